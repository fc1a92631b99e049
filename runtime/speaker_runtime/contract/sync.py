"""How a running process is told of changed voices or routes, and what it answers."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from speaker_runtime.contract.document import Digest, Document
from speaker_runtime.contract.places import VOICE_AUDIO_PATH

SYNC_ISSUER: Final = "speaker-tts-operator"
SYNC_TYPE: Final = "voice-sync+jwt"
"""``typ`` in the token's header: the operator's key signs nothing else that could pass for it."""
AUDIO_TYPE: Final = "voice-audio+jwt"
"""The same of a token that comes with reference audio."""
SYNC_ALGORITHM: Final = "Ed25519"
SYNC_CURVE: Final = "Ed25519"
MOST_CLIPS_AT_ONCE: Final = 16
"""Clips that a process asks the operator for at a time, and holds until it has used them."""


class SyncClaims(Document):
    """What the token that comes with a manifest, or with audio, says; times are Unix seconds."""

    iss: Literal["speaker-tts-operator"] = SYNC_ISSUER
    aud: str = Field(description="The TTSService's uid.")
    iat: int
    exp: int
    digest: str = Field(description="Of the body that the token came with.")
    revision: int = Field(
        ge=1,
        description="Grows with every manifest of the service: an older one is refused. With "
        "audio, that of the manifest which names it.",
    )


class VoiceReason(StrEnum):
    """Why a voice that was handed to a process cannot be asked for there."""

    PRESET_UNKNOWN = "PresetUnknown"
    ALIAS_CONFLICT = "AliasConflict"
    PREPARING = "Preparing"
    BACKEND_CANNOT_CLONE = "BackendCannotClone"
    LANGUAGE_UNSUPPORTED = "LanguageUnsupported"
    TRANSCRIPT_MISSING = "TranscriptMissing"
    TOO_MANY_CLIPS = "TooManyClips"
    FETCH_FAILED = "FetchFailed"
    ADDRESS_FORBIDDEN = "AddressForbidden"
    DIGEST_MISMATCH = "DigestMismatch"
    CLAIM_NOT_MOUNTED = "ClaimNotMounted"
    FILE_NOT_FOUND = "FileNotFound"
    AUDIO_TOO_LARGE = "AudioTooLarge"
    NOT_AUDIO = "NotAudio"
    TOO_SHORT = "TooShort"
    TOO_LONG = "TooLong"
    SILENT = "Silent"
    CLIPPED = "Clipped"
    NOISY = "Noisy"
    NOT_SPEECH = "NotSpeech"
    CLONING_FAILED = "CloningFailed"
    NO_ROOM = "NoRoomForVoice"


REASONS_OF_OLD: Final = frozenset({VoiceReason.PRESET_UNKNOWN, VoiceReason.ALIAS_CONFLICT})
"""Told in the message alone: an operator of version 0.1 has both, and refuses reasons."""


class SyncedVoice(Document):
    """What became of one voice of a manifest, or of one server."""

    name: str
    state: Literal["ready", "pending", "failed"]
    reason: str = Field(
        default="", description="Why it is not ready; empty if it is, or the message says it all."
    )
    message: str = Field(default="", description="What is wrong with it, and what to do.")


class SyncReport(Document):
    """The answer to a manifest: what the process serves from now on."""

    digest: str = Field(description="Of the manifest that is served.")
    voices: tuple[SyncedVoice, ...] = Field(description="Its voices, or its servers, in its order.")
    wanted: tuple[Digest, ...] = Field(
        default=(),
        max_length=MOST_CLIPS_AT_ONCE,
        description=f"Audio to hand over at {VOICE_AUDIO_PATH}, by its digest.",
    )
    ask_again_seconds: float | None = Field(
        default=None, ge=0, description="When there may be news of voices that are not ready."
    )

    def to_json(self) -> str:
        """Without what is at its default: an operator of the version before knows no new field."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)
