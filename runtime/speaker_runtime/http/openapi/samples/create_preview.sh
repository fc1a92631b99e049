curl --fail-with-body -sS http://127.0.0.1:8080/tts/preview \
  -H 'Content-Type: application/json' \
  -d '{"model": "tts-1", "voice": "alloy", "input": "Hello there! How are you?"}'
