"""Where things lie and where they answer: files, folders, paths, and what names them."""

from pathlib import Path
from typing import Final

CONFIG_FILE: Final = "config.json"
VOICES_FILE: Final = "voices.json"
ROUTES_FILE: Final = "routes.json"
CONFIG_DIRECTORY: Final = Path("/etc/speaker-tts")
"""Where a pod mounts the two documents."""
MODEL_DIRECTORY: Final = Path("/models")
"""Where a pod mounts the model cache."""
CACHE_DIRECTORY: Final = Path("/var/cache/speaker-tts")
"""Where a pod mounts the cache of spoken audio."""
SHARED_CACHE_VARIABLE: Final = "SPEAKER_TTS_SHARED_CACHE_URL"
"""Environment variable with the address of a Redis or Valkey server to share spoken audio with."""
CLAIM_SCHEME: Final = "pvc://"
"""Begins the addresses of models that lie on a PersistentVolumeClaim."""
CLAIMS_DIRECTORY: Final = Path("/claims")
"""Where a pod mounts such claims, and those with reference audio, in folders of their names."""
VOICE_STATES_DIRECTORY: Final = Path("/var/cache/speaker-tts-voices")
"""Where a pod mounts what its model made of reference audio."""
KEYS_DIRECTORY: Final = Path("/etc/speaker-tts-keys")
"""Where a gateway's pod mounts the API keys of other servers, each in a folder of its name."""
HTTP_PORT: Final = 8080
LIVE_PATH: Final = "/health/live"
READY_PATH: Final = "/health/ready"
METRICS_PATH: Final = "/metrics"
VOICE_SYNC_PATH: Final = "/internal/voices/sync"
VOICE_AUDIO_PATH: Final = "/internal/voices/audio"
ROUTE_SYNC_PATH: Final = "/internal/routes/sync"
GATEWAY: Final = "gateway"
"""The ``backend`` of a :class:`GatewayConfig`."""
CUSTOM: Final = "custom"
"""The ``backend`` of a :class:`RuntimeConfig` whose model is fetched for somebody else's server."""
MODEL_VARIABLE: Final = "SPEAKER_TTS_MODEL"
"""Environment variable that tells such a server where its model lies."""
FETCH_STATUS_PATH: Final = "/fetch/status"
"""Where a `speaker-runtime model fill --status` tells how far it is: a FetchStatus."""
