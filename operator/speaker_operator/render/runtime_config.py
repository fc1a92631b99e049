"""The two documents that tell the runtime what to serve; the same in a pod and on a laptop."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.audiocache import cache_bytes
from speaker_operator.render.voices import Assignment, assign
from speaker_runtime import contract


def model_key(source: str) -> str:
    """Name of the directory, inside a model cache, that holds the model of one source."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def runtime_config(
    service: TTSService,
    *,
    models: Path,
    audio_cache: Path,
    device: Literal["auto", "gpu", "cpu"] = "auto",
    public_key: str | None = None,
) -> contract.RuntimeConfig:
    """What to serve and how.

    Args:
        service: What is declared.
        models: Directory of the model cache.
        audio_cache: Directory for what was spoken, if the service keeps it.
        device: What to speak on; auto takes the GPUs that there are, or else the CPU.
        public_key: Whose word counts when voices change while the runtime runs; nobody's if None.
    """
    source = service.model_source
    serving, gpu = service.spec.serving, service.spec.gpu
    return contract.RuntimeConfig(
        service=service.metadata.name,
        backend=service.backend.name,
        model=contract.ModelConfig(
            source=source,
            directory=models / model_key(source),
            accept_license=service.spec.model.accept_license,
        ),
        devices=contract.DevicesConfig(
            kind=device,
            copies=serving.copies,
            fallback_to_cpu=gpu is not None and gpu.fallback_to_cpu,
        ),
        serving=contract.ServingConfig(
            max_input_characters=serving.max_input_characters,
            max_queue_seconds=serving.max_queue_seconds,
            max_client_seconds=serving.max_client_seconds,
            drain_seconds=serving.drain_seconds,
            lexicon=serving.lexicon,
            audio_cache=_audio_cache(service, audio_cache),
        ),
        voice_sync=_voice_sync(service, public_key),
    )


def _audio_cache(service: TTSService, directory: Path) -> contract.AudioCacheConfig | None:
    size = cache_bytes(service)
    return contract.AudioCacheConfig(directory=directory, max_bytes=size) if size else None


def _voice_sync(service: TTSService, public_key: str | None) -> contract.VoiceSyncConfig | None:
    if public_key is None:
        return None
    return contract.VoiceSyncConfig(service_uid=service.metadata.uid, public_key=public_key)


def voice_manifest(service: TTSService, voices: Iterable[Voice]) -> contract.VoiceManifest:
    """Who speaks: the voices of ``voices`` that the service selects, by name.

    A voice whose preset the backend lacks is handed on: the runtime says what is wrong with it.
    """
    return contract.VoiceManifest(
        voices=tuple(_voice_entry(assignment) for assignment in assign(service, voices)),
        default=service.spec.voices.default,
    )


def _voice_entry(assignment: Assignment) -> contract.VoiceEntry:
    spec = assignment.voice.spec
    speed = spec.defaults.speed
    return contract.VoiceEntry(
        name=assignment.name,
        display_name=spec.display_name,
        description=spec.description,
        languages=spec.languages,
        gender=spec.gender,
        preset=spec.preset,
        aliases=assignment.aliases,
        defaults=contract.VoiceDefaults() if speed is None else contract.VoiceDefaults(speed=speed),
    )
