"""HTTP: the only place that knows requests, responses and status codes."""
