"""The gateway's HTTP: every path of the API, answered by one of the servers behind it."""
