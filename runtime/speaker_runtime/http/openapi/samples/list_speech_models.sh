curl --fail-with-body -sS http://127.0.0.1:8080/v1/audio/models
