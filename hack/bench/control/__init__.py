"""What the operator costs and how quickly it acts, measured on a real API server."""
