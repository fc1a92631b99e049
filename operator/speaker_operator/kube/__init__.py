"""The one place that speaks HTTP to the API server."""
