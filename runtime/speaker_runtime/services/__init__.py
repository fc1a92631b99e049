"""What the service does, without HTTP: speaking a text, and counting what was spoken."""
