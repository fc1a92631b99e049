"""The engine: one thread that owns a backend and steps the streams of all requests."""
