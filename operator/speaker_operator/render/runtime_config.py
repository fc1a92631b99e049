"""The two documents that tell the runtime what to serve; the same in a pod and on a laptop."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.voice import VoiceDefaults
from speaker_operator.reasons import Reason
from speaker_operator.render.audiocache import cache_bytes
from speaker_operator.render.references import NO_SOURCES, Problem, Sources, can_clone
from speaker_operator.render.voices import Assignment, assign
from speaker_runtime import contract

MANIFEST_BYTES: Final = 700 * 2**10
"""A ConfigMap takes 1 MiB; the rest is for config.json, whose lexicon may be a third of that."""


def model_key(identity: str) -> str:
    """Name of the directory, inside a model cache, that holds one model.

    Args:
        identity: What tells it from others: :attr:`TTSService.model_identity`.
    """
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def runtime_config(
    service: TTSService,
    *,
    models: Path,
    audio_cache: Path,
    device: Literal["auto", "gpu", "cpu"] = "auto",
    public_key: str | None = None,
    allow_private_addresses: bool = False,
) -> contract.RuntimeConfig:
    """What to serve and how.

    Args:
        service: What is declared.
        models: Directory of the model cache.
        audio_cache: Directory for what was spoken, if the service keeps it.
        device: What to speak on; auto takes the GPUs that there are, or else the CPU.
        public_key: Whose word counts when voices change while the runtime runs; nobody's if None.
        allow_private_addresses: Whether reference audio may come from within private networks.
    """
    serving, gpu = service.spec.serving, service.spec.gpu
    precision = service.spec.model.precision
    return contract.RuntimeConfig(
        service=service.metadata.name,
        backend=service.backend.name,
        model=contract.ModelConfig(
            source=service.model_source,
            directory=models / model_key(service.model_identity),
            accept_license=service.spec.model.accept_license,
            # Older runtimes know no precision.
            precision=None if precision == "auto" else precision,
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
        # By default there is none: an image of the version before would refuse it.
        references=contract.ReferencesConfig(allow_private_addresses=True)
        if allow_private_addresses and can_clone(service)
        else None,
    )


def _audio_cache(service: TTSService, directory: Path) -> contract.AudioCacheConfig | None:
    size = cache_bytes(service)
    return contract.AudioCacheConfig(directory=directory, max_bytes=size) if size else None


def _voice_sync(service: TTSService, public_key: str | None) -> contract.VoiceSyncConfig | None:
    if public_key is None:
        return None
    return contract.VoiceSyncConfig(service_uid=service.metadata.uid, public_key=public_key)


def voice_manifest(
    service: TTSService, voices: Iterable[Voice], sources: Sources = NO_SOURCES
) -> contract.VoiceManifest:
    """Who speaks: the voices of ``voices`` that the service selects, by name.

    A voice whose preset the backend lacks is handed on: the runtime says what is wrong with it.
    """
    return manifest_of(service, offered(service, voices, sources))


def offered(
    service: TTSService, voices: Iterable[Voice], sources: Sources = NO_SOURCES
) -> tuple[Assignment, ...]:
    """The selected voices; there is room in the manifest for all that have no such problem.

    Where there is not, the voices that were there first stay.
    """
    assignments = assign(service, voices, sources)
    if sum(map(_most_bytes, assignments)) <= MANIFEST_BYTES:
        return assignments
    left, full = MANIFEST_BYTES, set()
    for assignment in sorted(assignments, key=_age):
        size = _bytes(assignment)
        if size > left:
            full.add(assignment.name)
        else:
            left -= size
    message = f"the other voices take the {MANIFEST_BYTES >> 10} KiB that a service has for them"
    problem = Problem.of(Reason.VOICES_FULL, message)
    return tuple(
        replace(each, problem=problem) if each.name in full else each for each in assignments
    )


def _age(assignment: Assignment) -> tuple[str, str]:
    return assignment.voice.metadata.creation_timestamp or "", assignment.name


def _most_bytes(assignment: Assignment) -> int:
    """A bound of what a voice takes, made without writing it: a character has up to 6 bytes."""
    spec = assignment.voice.spec
    texts = (spec.description or "", spec.display_name or "", *spec.aliases, *spec.tags)
    fixed = 2048 + sum(len(text) * 6 + 16 for text in texts)
    return fixed if spec.reference is None else fixed + 8 * 4096 + 6 * 4096


def _bytes(assignment: Assignment) -> int:
    """What a voice takes in the manifest, where it is indented."""
    text = voice_entry(assignment).to_json()
    return len(text.encode()) + 4 * text.count("\n") + 2


def manifest_of(service: TTSService, assignments: Iterable[Assignment]) -> contract.VoiceManifest:
    """Who speaks, of the voices that there is room for in a ConfigMap."""
    return contract.VoiceManifest(
        voices=tuple(
            voice_entry(each)
            for each in assignments
            if each.problem is None or each.problem.reason is not Reason.VOICES_FULL
        ),
        default=service.spec.voices.default,
    )


def voice_entry(assignment: Assignment) -> contract.VoiceEntry:
    """A voice as the runtime is told of it."""
    spec, problem = assignment.voice.spec, assignment.problem
    return contract.VoiceEntry(
        name=assignment.name,
        display_name=spec.display_name,
        description=spec.description,
        languages=spec.languages,
        gender=spec.gender,
        tags=spec.tags or None,  # a runtime of the version before knows none
        license=spec.license,
        preset=spec.preset,
        reference=assignment.reference,
        problem=_problem(problem) if spec.preset is None and not assignment.reference else None,
        aliases=assignment.aliases,
        defaults=_defaults(spec.defaults),
    )


def _defaults(declared: VoiceDefaults) -> contract.VoiceDefaults:
    """A voice's defaults without what is not given: older runtimes know less."""
    return contract.VoiceDefaults.model_validate(
        declared.model_dump(by_alias=True, exclude_none=True)
    )


def _problem(problem: Problem | None) -> contract.VoiceProblem | None:
    if problem is None:
        return None
    return contract.VoiceProblem(reason=problem.reason, message=problem.message[:2048])
