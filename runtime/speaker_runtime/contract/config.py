"""``config.json``: what a process serves, and how."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from speaker_runtime.contract.document import Document
from speaker_runtime.contract.limits import (
    CLIENT_SECONDS,
    DRAIN_SECONDS,
    INPUT_CHARACTERS,
    QUEUE_SECONDS,
    Copies,
    DrainSeconds,
    InputCharacters,
    QueueSeconds,
)
from speaker_runtime.contract.model import ModelConfig
from speaker_runtime.contract.places import VOICE_STATES_DIRECTORY

LexiconWord = Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
LexiconSaying = Annotated[str, Field(min_length=1, max_length=256)]


class AudioCacheConfig(Document):
    """A folder that keeps what was spoken."""

    directory: Path = Field(description="Where the audio is kept; only the runtime writes here.")
    max_bytes: int = Field(
        ge=16 * 2**20, description="Bytes on disk; what was not asked for longest goes first."
    )


class ServingConfig(Document):
    """Limits of one runtime process."""

    max_input_characters: InputCharacters = Field(
        default=INPUT_CHARACTERS, description="Longest text accepted in one request."
    )
    max_queue_seconds: QueueSeconds = Field(
        default=QUEUE_SECONDS,
        description="Seconds of speech (estimated from the text) that may wait; more gets 503.",
    )
    max_client_seconds: QueueSeconds = Field(
        default=CLIENT_SECONDS,
        description="Seconds of speech that may wait for one client; more gets 429. A client is "
        "known by its API key, else by its address.",
    )
    drain_seconds: DrainSeconds = Field(
        default=DRAIN_SECONDS,
        description="After SIGTERM, how long running responses may take to finish.",
    )
    lexicon: dict[LexiconWord, LexiconSaying] = Field(
        default_factory=dict,
        max_length=256,
        description="What to read in place of a word, by the word; case does not matter. "
        "Phonemes stand between slashes.",
    )
    audio_cache: AudioCacheConfig | None = Field(
        default=None, description="Where to keep what was spoken; nowhere on disk unless given."
    )


class DevicesConfig(Document):
    """Where the model runs."""

    kind: Literal["auto", "gpu", "cpu"] = Field(
        default="auto",
        description="gpu is every GPU that the process sees, auto the same or else the CPU.",
    )
    copies: Copies | None = Field(
        default=None,
        description="Copies of the model on each device, which speak side by side; by default one "
        "on a GPU, and on CPUs as many as the backend makes the most of.",
    )
    fallback_to_cpu: bool = Field(
        default=False,
        description="Whether the CPU is used when there is no GPU, or it runs out of memory.",
    )


class VoiceSyncConfig(Document):
    """Whose word counts when the voices change while the process runs."""

    service_uid: str = Field(
        min_length=1,
        max_length=63,
        description="The TTSService's uid; tokens for another one are refused.",
    )
    public_key: str = Field(
        pattern=r"^[A-Za-z0-9_-]{43}$",
        description="The operator's Ed25519 public key: 32 bytes in URL-safe base64, unpadded.",
    )


class ReferencesConfig(Document):
    """How voices are made of reference audio."""

    directory: Path = Field(
        default=VOICE_STATES_DIRECTORY,
        description="Where what the model made of references is kept; only the runtime writes "
        "here.",
    )
    max_bytes: int = Field(
        default=256 * 2**20,
        ge=2**20,
        description="Bytes on disk. What belongs to no declared voice goes first; a voice that "
        "finds no room is told so.",
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Whether audio may be fetched from addresses that are not public: those of "
        "the cluster, of the node, and of other private networks.",
    )


class RuntimeConfig(Document):
    """Everything one runtime process needs to know, apart from its voices."""

    version: Literal["v1"] = "v1"
    service: str = Field(
        min_length=1, max_length=253, description="Name of the TTSService that is served."
    )
    backend: str = Field(
        min_length=1,
        max_length=63,
        description="Entry point in the group speaker_tts.backends that speaks.",
    )
    model: ModelConfig
    devices: DevicesConfig = DevicesConfig()
    serving: ServingConfig = ServingConfig()
    voice_sync: VoiceSyncConfig | None = Field(
        default=None,
        description="Who may change the voices of the running process; nobody unless given.",
    )
    references: ReferencesConfig | None = Field(
        default=None,
        description="How voices are cloned. Unless given, as by default where the folder for it is "
        "mounted, and not at all elsewhere.",
    )
