"""Model files on disk: fetched once from a source, checked, and opened by a backend."""
