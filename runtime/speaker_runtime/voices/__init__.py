"""Voices: who can be asked for, by which names."""
