"""The Kubernetes API of Speaker TTS: models, schemas and admission rules. No I/O enters here."""
