"""Client library and command line of Speaker TTS."""
