"""The one place that speaks HTTP to the services' pods."""
