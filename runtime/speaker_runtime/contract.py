"""What the control plane and the runtime agree on: files, addresses and exit codes of a service.

This is the one module of the runtime that the operator may import. It needs pydantic, nothing else.
The operator (or ``speaker-tts up``) writes two JSON documents into one directory for the runtime:

* ``config.json`` is a :class:`RuntimeConfig`: what to serve and how;
* ``voices.json`` is a :class:`VoiceManifest`: who speaks.

A running process is told of changed voices over HTTP: a :class:`VoiceManifest` is posted to
:data:`VOICE_SYNC_PATH`, with a token of :class:`SyncClaims` that the operator signed.

A gateway speaks with no model of its own. Its ``config.json`` is a :class:`GatewayConfig`, and in
place of voices it has ``routes.json``, a :class:`RouteManifest`, which changes in the same way over
:data:`ROUTE_SYNC_PATH`.
"""

import hashlib
from datetime import datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

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

SYNC_ISSUER: Final = "speaker-tts-operator"
SYNC_TYPE: Final = "voice-sync+jwt"
"""``typ`` in the token's header: the operator's key signs nothing else that could pass for it."""
AUDIO_TYPE: Final = "voice-audio+jwt"
"""The same of a token that comes with reference audio."""
SYNC_ALGORITHM: Final = "Ed25519"
SYNC_CURVE: Final = "Ed25519"
MOST_VOICES_BYTES: Final = 2**20
"""A manifest is as long as a ConfigMap can be, at most."""
MOST_CLIP_BYTES: Final = 2**20
"""A clip from a Secret or ConfigMap is as long as one of those can be, at most."""
MOST_CLIPS: Final = 8
"""Clips that one voice may be made of."""
MOST_CLIPS_AT_ONCE: Final = 16
"""Clips that a process asks the operator for at a time, and holds until it has used them."""


class ExitCode(IntEnum):
    """How the runtime's processes end; the operator turns them into reasons in ``status``."""

    OK = 0
    FAILED = 1
    INVALID_CONFIG = 2
    MODEL_UNAVAILABLE = 3
    """The model's source could not be read: it does not exist, or is out of reach."""
    MODEL_CORRUPT = 4
    """The model was read, but its digest is wrong."""
    NO_SPACE = 5
    """The model cache's volume is too small."""
    LICENSE_NOT_ACCEPTED = 6
    """The model's licence has to be accepted by name, and was not."""
    LOGIN_REFUSED = 7
    """The model's source asks for a login, or does not accept the one that it was given."""


class Document(BaseModel):
    """A frozen JSON document with camelCase keys; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    def to_json(self) -> str:
        """Write the document so that equal documents give equal bytes."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


class FetchReport(Document):
    """The last words of a `speaker-runtime model fetch` that ended well, for the operator."""

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Of all files of the model.")
    bytes: int = Field(ge=0, description="Of all files together.")


class FetchStatus(Document):
    """How far the fetch of one model is."""

    state: Literal["Downloading", "Ready", "Failed"]
    source: str = Field(description="Address of the model.")
    time: datetime = Field(description="When this was written.")
    file: str | None = Field(default=None, description="What is being fetched.")
    bytes: int = Field(
        default=0,
        ge=0,
        description="How much has come: of the model, or of the package that holds a part of it.",
    )
    total_bytes: int | None = Field(default=None, ge=0, description="Of how much, where known.")
    message: str | None = Field(default=None, description="Why it failed, and what to do.")


class ModelConfig(Document):
    """Which model to load, and where its files lie."""

    source: str = Field(
        min_length=1,
        max_length=2048,
        description="Address of the model, for example package://hibari-tts.",
    )
    directory: Path = Field(
        description="Where this model's files lie; only `speaker-runtime model fetch` writes here."
    )
    accept_license: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Licence that is accepted, by name, where the model's asks for it.",
    )


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

    max_input_characters: int = Field(
        default=4096, ge=1, le=1_000_000, description="Longest text accepted in one request."
    )
    max_queue_seconds: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="Seconds of speech (estimated from the text) that may wait; more gets 503.",
    )
    max_client_seconds: int = Field(
        default=30,
        ge=1,
        le=86_400,
        description="Seconds of speech that may wait for one client; more gets 429. A client is "
        "known by its API key, else by its address.",
    )
    drain_seconds: int = Field(
        default=30,
        ge=0,
        le=3600,
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
    copies: int | None = Field(
        default=None,
        ge=1,
        le=16,
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
        description="Where what the model made of references is kept; only the runtime writes here."
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
        default=None, description="How voices are cloned; not at all unless given."
    )


class VoiceDefaults(Document):
    """Parameters that hold for a voice unless a request says otherwise."""

    speed: float = Field(
        default=1.0, ge=0.25, le=4.0, description="Pace; 1 is the voice's own, 2 twice as fast."
    )


Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


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


class VoiceEntry(Document):
    """One voice as the runtime serves it: of a preset, of a reference, or not, with the reason."""

    name: str = Field(min_length=1, max_length=253)
    display_name: str | None = Field(default=None, max_length=128)
    description: str | None = Field(default=None, max_length=1024)
    languages: tuple[str, ...] = Field(default=(), description="BCP 47 tags, the main one first.")
    gender: Literal["female", "male", "neutral"] | None = None
    tags: tuple[str, ...] = ()
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


class Manifest(Document):
    """What a running process can be told anew."""

    file: ClassVar[str]
    """Its name among the documents."""
    sync_path: ClassVar[str]
    """Where a running process takes it."""

    version: Literal["v1"] = "v1"

    @property
    def entries(self) -> dict[str, Document]:
        """What the answer tells of one by one, by name."""
        raise NotImplementedError

    @property
    def digest(self) -> str:
        """Digest of the manifest as :meth:`to_json` writes it."""
        return digest_of(self.to_json().encode())


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
    def entries(self) -> dict[str, Document]:
        """The voices."""
        return {voice.name: voice for voice in self.voices}


class Upstream(Document):
    """A server that a gateway hands requests on to."""

    name: str = Field(
        min_length=1,
        max_length=63,
        description="Under which requests may ask for it as their `model`.",
    )
    url: str = Field(
        max_length=2048,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Where its API begins. Of a `speaker` it is the root of the server, of an "
        "`openai` the address that OpenAI's clients call base_url. Requests cannot change it, and "
        "redirects are not followed.",
    )
    kind: Literal["speaker", "openai"] = Field(
        default="speaker",
        description="`speaker` is this project's runtime, `openai` any server of OpenAI's speech "
        "API.",
    )
    ready_path: str | None = Field(
        default=None,
        max_length=1024,
        pattern=r"^/[^\s]*$",
        description="Path on the server's host that answers 200 while it serves; an `openai` "
        "without it is asked for its models.",
    )
    models: tuple[str, ...] = Field(
        default=(), description="Models that it has; what it lists itself, unless given."
    )
    voices: tuple[str, ...] = Field(
        default=(), description="Voices that it has; what it lists itself, unless given."
    )
    key_file: Path | None = Field(
        default=None, description="File with the API key that it is sent; none unless given."
    )


class RouteManifest(Manifest):
    """All servers behind a gateway."""

    file: ClassVar[str] = ROUTES_FILE
    sync_path: ClassVar[str] = ROUTE_SYNC_PATH

    upstreams: tuple[Upstream, ...] = ()

    @property
    def entries(self) -> dict[str, Document]:
        """The servers."""
        return {upstream.name: upstream for upstream in self.upstreams}


class GatewayConfig(Document):
    """Everything one process of a gateway needs to know, apart from its routes."""

    version: Literal["v1"] = "v1"
    service: str = Field(
        min_length=1, max_length=253, description="Name of the TTSService that is served."
    )
    backend: Literal["gateway"] = "gateway"
    max_input_characters: int = Field(
        default=4096,
        ge=1,
        le=1_000_000,
        description="Longest text that is handed on; bodies that are larger than any such text "
        "are refused.",
    )
    drain_seconds: int = Field(
        default=30,
        ge=0,
        le=3600,
        description="After SIGTERM, how long running answers may take to finish.",
    )
    answer_seconds: int = Field(
        default=120,
        ge=1,
        le=3600,
        description="How long a server may take to begin an answer, or to go on with one.",
    )
    route_sync: VoiceSyncConfig | None = Field(
        default=None,
        description="Who may change the routes of the running process; nobody unless given.",
    )


def digest_of(content: bytes) -> str:
    """Digest of a manifest, or of audio, as it was sent."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


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


class SyncedVoice(Document):
    """What became of one voice of a manifest, or of one server."""

    name: str
    state: Literal["ready", "pending", "failed"]
    reason: str = Field(default="", description="Why it is not ready; empty if it is.")
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
