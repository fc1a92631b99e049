"""The ConfigMap that carries the runtime's two documents."""

import hashlib
from collections.abc import Iterable

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render import metadata, names
from speaker_operator.render.gpu import devices
from speaker_operator.render.runtime_config import runtime_config, voice_manifest
from speaker_operator.render.settings import RenderSettings
from speaker_runtime import contract


def config_map(
    service: TTSService, voices: Iterable[Voice], settings: RenderSettings
) -> metadata.Manifest:
    """Render the ConfigMap.

    A pod that asked for no GPU must not take one that it happens to see.
    """
    config = runtime_config(
        service,
        models=contract.MODEL_DIRECTORY,
        audio_cache=contract.CACHE_DIRECTORY,
        device=devices(service, settings.nodes).kind,
        public_key=settings.public_key,
    )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata.owned(service, names.config_map(service.metadata.name)),
        "data": {
            contract.CONFIG_FILE: config.to_json(),
            contract.VOICES_FILE: voice_manifest(service, voices).to_json(),
        },
    }


def content_hash(manifest: metadata.Manifest) -> str:
    """Digest of what pods only read when they start: they are replaced when it changes.

    Voices are none of it: running pods are told of them.
    """
    config: str = manifest["data"][contract.CONFIG_FILE]
    return hashlib.sha256(config.encode()).hexdigest()[:16]
