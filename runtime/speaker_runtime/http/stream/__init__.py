"""The WebSocket ``/v1/audio/stream``: text in pieces, speech out, for voice agents."""
