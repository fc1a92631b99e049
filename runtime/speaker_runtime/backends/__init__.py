"""Backends: one folder per model family behind the protocol that the engine speaks."""
