"""Voices that are made of reference audio: where it comes from, and what is kept of it."""
