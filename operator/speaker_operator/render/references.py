"""What a voice is to sound like, as its pods are told, or why it is not served. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Self

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.api.v1alpha1.reference import ReferenceAudio
from speaker_operator.reasons import Reason
from speaker_runtime import contract


@dataclass(frozen=True)
class Problem:
    """Why something cannot be served as declared, and what to change."""

    reason: Reason
    message: str

    @classmethod
    def of(cls, reason: Reason, message: str) -> Self:
        """A problem whose message ends with the remedy."""
        return cls(reason, reason.told(message))


class Source(NamedTuple):
    """An entry of a Secret or ConfigMap that holds audio."""

    kind: Literal["Secret", "ConfigMap"]
    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}, key {self.key}"


Sources = Mapping[Source, str | Problem]
"""The digest of what each entry holds, or why nobody can tell."""

NO_SOURCES: Final[Sources] = MappingProxyType({})


def can_clone(service: TTSService) -> bool:
    """Whether the service's pods may be able to; an image of somebody's own says so itself."""
    speaks = service.backend.runs == "model"
    return speaks and (service.backend.clones or service.spec.image is not None)


def source_of(voice: Voice, audio: ReferenceAudio) -> Source | None:
    """The entry that a clip is, if it is one."""
    namespace = voice.metadata.namespace
    if audio.secret_key_ref is not None:
        return Source("Secret", namespace, audio.secret_key_ref.name, audio.secret_key_ref.key)
    if audio.config_map_key_ref is not None:
        entry = audio.config_map_key_ref
        return Source("ConfigMap", namespace, entry.name, entry.key)
    return None


def sources_of(service: TTSService, voices: Iterable[Voice]) -> list[Source]:
    """The entries that the operator has to read for a service: of no voice that is not served."""
    if not can_clone(service):
        return []
    found = (
        source_of(voice, audio)
        for voice in voices
        if voice.spec.reference is not None and _terms_problem(voice) is None
        for audio in voice.spec.reference.audio
    )
    return list(dict.fromkeys(each for each in found if each is not None))


def reference(
    service: TTSService, voice: Voice, sources: Sources
) -> contract.VoiceReference | Problem:
    """What a voice is to sound like, or why it is not served."""
    spec = voice.spec.reference
    if spec is None:
        raise ValueError(f"Voice {voice.metadata.name} has no reference")
    if not can_clone(service):
        message = f"backend {service.spec.backend} makes no voices of recordings"
        return Problem.of(Reason.BACKEND_CANNOT_CLONE, message)
    problem = _terms_problem(voice)
    if problem is not None:
        return problem
    clips = []
    for audio in spec.audio:
        clip = _clip(service, voice, audio, sources)
        if isinstance(clip, Problem):
            return clip
        clips.append(clip)
    return contract.VoiceReference(clips=tuple(clips), transcript=spec.transcript)


def _terms_problem(voice: Voice) -> Problem | None:
    if voice.spec.consent is None:
        return Problem.of(
            Reason.CONSENT_MISSING, "nobody has written down that the person agreed to the clone"
        )
    if voice.spec.license is None:
        return Problem.of(
            Reason.LICENSE_MISSING, "nobody has written down how the recordings may be used"
        )
    return None


def _clip(
    service: TTSService, voice: Voice, audio: ReferenceAudio, sources: Sources
) -> contract.ReferenceClip | Problem:
    source = source_of(voice, audio)
    if source is not None:
        found = sources.get(source, Problem.of(Reason.SOURCE_NOT_FOUND, f"there is no {source}"))
        return found if isinstance(found, Problem) else contract.ReferenceClip(digest=found)
    if audio.claim is None:
        return contract.ReferenceClip(uri=audio.uri, digest=audio.digest)
    claim = audio.claim
    if claim.name not in service.spec.voices.claims:
        message = f"the pods of {service.metadata.name} do not mount the claim {claim.name}"
        return Problem.of(Reason.CLAIM_NOT_MOUNTED, message)
    return contract.ReferenceClip(
        claim=contract.ClaimFile(name=claim.name, path=claim.path), digest=audio.digest
    )
