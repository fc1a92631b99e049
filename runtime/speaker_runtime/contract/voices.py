"""``voices.json``: who speaks."""

from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from speaker_runtime.contract.document import Digest, Document, Manifest, Named
from speaker_runtime.contract.places import VOICE_SYNC_PATH, VOICES_FILE
from speaker_runtime.contract.sampling import Sampling

MOST_VOICES_BYTES: Final = 2**20
"""A manifest is as long as a ConfigMap can be, at most."""
MOST_CLIP_BYTES: Final = 2**20
"""A clip from a Secret or ConfigMap is as long as one of those can be, at most."""
MOST_CLIPS: Final = 8
"""Clips that one voice may be made of."""


class VoiceDefaults(Document):
    """Parameters that hold for a voice unless a request says otherwise."""

    speed: float = Field(
        default=1.0, ge=0.25, le=4.0, description="Pace; 1 is the voice's own, 2 twice as fast."
    )
    sampling: Sampling | None = Field(
        default=None, description="How the voice is drawn from chance, where the model draws."
    )


class ClaimFile(Document):
    """A file on a PersistentVolumeClaim that the pod mounts."""

    name: str = Field(min_length=1, max_length=253, description="Of the claim.")
    path: str = Field(min_length=1, max_length=1024, description="Of the file, in its volume.")


class ReferenceClip(Document):
    """One piece of reference audio; with neither uri nor claim, the operator hands it over."""

    digest: Digest | None = Field(
        default=None, description="Of the file's bytes; others are refused."
    )
    uri: str | None = Field(default=None, max_length=2048, description="Fetch it from here.")
    claim: ClaimFile | None = Field(default=None, description="Read it from here.")

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.uri is not None and self.claim is not None:
            raise ValueError("a clip has a uri or a claim, not both")
        if self.uri is None and self.claim is None and self.digest is None:
            raise ValueError("a clip that is handed over needs a digest")
        return self


class VoiceReference(Document):
    """Whom a voice is to sound like."""

    clips: tuple[ReferenceClip, ...] = Field(min_length=1, max_length=MOST_CLIPS)
    transcript: str | None = Field(default=None, max_length=4096, description="Of all clips.")


class VoiceProblem(Document):
    """Why a voice cannot be served, as whoever declares it knows already."""

    reason: str = Field(min_length=1, max_length=63)
    message: str = Field(max_length=2048)


class VoiceEntry(Named):
    """One voice as the runtime serves it: of a preset, of a reference, or not, with the reason."""

    name: str = Field(min_length=1, max_length=253)
    display_name: str | None = Field(default=None, max_length=128)
    description: str | None = Field(default=None, max_length=1024)
    languages: tuple[str, ...] = Field(default=(), description="BCP 47 tags, the main one first.")
    gender: Literal["female", "male", "neutral"] | None = None
    tags: tuple[str, ...] | None = None
    license: str | None = Field(default=None, max_length=128, description="Of the voice.")
    preset: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Name of the backend's built-in speaker, or a mix such as ana*0.3+ben*0.7.",
    )
    reference: VoiceReference | None = Field(default=None, description="Whom to sound like.")
    problem: VoiceProblem | None = Field(default=None, description="Why it cannot be served.")
    aliases: tuple[str, ...] = Field(
        default=(), description="Other names under which requests may ask for this voice."
    )
    defaults: VoiceDefaults = VoiceDefaults()

    @model_validator(mode="after")
    def _has_one_sound(self) -> Self:
        if [self.preset, self.reference, self.problem].count(None) != 2:  # noqa: PLR2004  of three
            raise ValueError("a voice has one of preset, reference and problem")
        return self


class VoiceManifest(Manifest):
    """All voices of one service.

    A backend's presets can always be asked for by name; a voice of the same name comes first.
    """

    file: ClassVar[str] = VOICES_FILE
    sync_path: ClassVar[str] = VOICE_SYNC_PATH

    voices: tuple[VoiceEntry, ...] = ()
    default: str | None = Field(
        default=None,
        description="Voice for OpenAI's voice names that nobody claims; else the first one.",
    )

    @property
    def parts(self) -> tuple[VoiceEntry, ...]:
        """The voices."""
        return self.voices
