"""What was spoken already: bounded stores of bytes, and the audio that is kept in them."""
