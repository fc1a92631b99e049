"""The ConfigMap that carries the runtime's two documents."""

import hashlib
from collections.abc import Iterable

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render import metadata, names
from speaker_operator.render.gpu import devices
from speaker_operator.render.routes import gateway_config, route_manifest, routes
from speaker_operator.render.runtime_config import runtime_config, voice_manifest
from speaker_operator.render.settings import RenderSettings
from speaker_runtime import contract


def config_map(
    service: TTSService, voices: Iterable[Voice], settings: RenderSettings
) -> metadata.Manifest:
    """Render the ConfigMap.

    A pod that asked for no GPU must not take one that it happens to see.
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata.owned(service, names.config_map(service.metadata.name)),
        "data": _documents(service, voices, settings),
    }


def _documents(
    service: TTSService, voices: Iterable[Voice], settings: RenderSettings
) -> dict[str, str]:
    if service.gateway is not None:
        behind = routes(service, settings.services)
        return {
            contract.CONFIG_FILE: gateway_config(service, settings.public_key).to_json(),
            contract.ROUTES_FILE: route_manifest(behind).to_json(),
        }
    config = runtime_config(
        service,
        models=contract.MODEL_DIRECTORY,
        audio_cache=contract.CACHE_DIRECTORY,
        device=devices(service, settings.nodes).kind,
        public_key=settings.public_key,
        allow_private_addresses=settings.allow_private_addresses,
    )
    return {
        contract.CONFIG_FILE: config.to_json(),
        contract.VOICES_FILE: voice_manifest(service, voices, settings.sources).to_json(),
    }


def content_hash(manifest: metadata.Manifest) -> str:
    """Digest of what pods only read when they start: they are replaced when it changes.

    Voices are none of it: running pods are told of them.
    """
    config: str = manifest["data"][contract.CONFIG_FILE]
    return hashlib.sha256(config.encode()).hexdigest()[:16]
