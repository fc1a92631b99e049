"""Programs that the API reference shows; data, which nothing here imports."""
