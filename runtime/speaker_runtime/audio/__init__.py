"""Audio: samples in, bytes of a format out, one chunk at a time."""
