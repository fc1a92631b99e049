"""The names of a service's children, their containers, ports and volumes."""

import re
from typing import Final

RUNTIME_CONTAINER: Final = "runtime"
FETCH_CONTAINER: Final = "model-fetch"
HTTP_PORT_NAME: Final = "http"
CONFIG_VOLUME: Final = "config"
MODEL_VOLUME: Final = "model"
SOURCE_VOLUME: Final = "source"
TEMPORARY_VOLUME: Final = "tmp"
AUDIO_CACHE_VOLUME: Final = "audio-cache"
KEY_VOLUME_PREFIX: Final = "key-"
"""Before the name of the server whose API key the volume holds."""
VOICE_STATES_VOLUME: Final = "voice-states"
VOICE_CLAIM_VOLUME: Final = "voices"

_SLUG: Final = 32


def deployment(service_name: str) -> str:
    """Name of the Deployment, and of the autoscaler that scales it."""
    return service_name


def kubernetes_service(service_name: str) -> str:
    """Name of the Kubernetes Service."""
    return service_name


def config_map(service_name: str) -> str:
    """Name of the ConfigMap that holds config.json and voices.json."""
    return f"{service_name}-config"


def private_claim(service_name: str) -> str:
    """Name of the claim for a model cache that no other service shares."""
    return f"{service_name}-model"


def shared_cache(source: str, key: str) -> str:
    """Name of the claim for a model cache that services share, and of the Job that fills it."""
    location = re.sub(r"@sha256:[0-9a-f]+$", "", source).rstrip("/")
    words = re.sub("[^a-z0-9]+", "-", location.rpartition("/")[2].lower())[:_SLUG].strip("-")
    return f"model-{words}-{key}" if words else f"model-{key}"
