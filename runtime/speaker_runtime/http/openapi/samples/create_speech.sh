curl --fail-with-body -sS http://127.0.0.1:8080/v1/audio/speech \
  -H 'Content-Type: application/json' \
  -d '{
    "model": "tts-1",
    "voice": "alloy",
    "input": "Every word arrives as soon as it is spoken.",
    "response_format": "mp3",
    "seed": 7,
    "language": "en-US"
  }' -o speech.mp3
