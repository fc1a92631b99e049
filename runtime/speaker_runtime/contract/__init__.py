"""What the control plane and the runtime agree on: files, addresses and exit codes of a service.

This is the one part of the runtime that the operator may import. It needs pydantic, nothing else.
The operator (or ``speaker-tts up``) writes two JSON documents into one directory for the runtime:

* ``config.json`` is a :class:`RuntimeConfig`: what to serve and how;
* ``voices.json`` is a :class:`VoiceManifest`: who speaks.

A running process is told of changed voices over HTTP: a :class:`VoiceManifest` is posted to
:data:`VOICE_SYNC_PATH`, with a token of :class:`SyncClaims` that the operator signed.

A gateway speaks with no model of its own. Its ``config.json`` is a :class:`GatewayConfig`, and in
place of voices it has ``routes.json``, a :class:`RouteManifest`, which changes in the same way over
:data:`ROUTE_SYNC_PATH`.
"""

from speaker_runtime.contract.config import (
    AudioCacheConfig,
    DevicesConfig,
    LexiconSaying,
    LexiconWord,
    ReferencesConfig,
    RuntimeConfig,
    ServingConfig,
    VoiceSyncConfig,
)
from speaker_runtime.contract.document import Digest, Document, Manifest, digest_of
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
from speaker_runtime.contract.model import ExitCode, FetchReport, FetchStatus, ModelConfig
from speaker_runtime.contract.places import (
    CACHE_DIRECTORY,
    CLAIM_SCHEME,
    CLAIMS_DIRECTORY,
    CONFIG_DIRECTORY,
    CONFIG_FILE,
    CUSTOM,
    FETCH_STATUS_PATH,
    GATEWAY,
    HTTP_PORT,
    KEYS_DIRECTORY,
    LIVE_PATH,
    METRICS_PATH,
    MODEL_DIRECTORY,
    MODEL_VARIABLE,
    READY_PATH,
    ROUTE_SYNC_PATH,
    ROUTES_FILE,
    SHARED_CACHE_VARIABLE,
    VOICE_AUDIO_PATH,
    VOICE_STATES_DIRECTORY,
    VOICE_SYNC_PATH,
    VOICES_FILE,
)
from speaker_runtime.contract.routes import GatewayConfig, RouteManifest, Upstream
from speaker_runtime.contract.sampling import (
    RepetitionPenalty,
    Sampling,
    Temperature,
    TopK,
    TopP,
)
from speaker_runtime.contract.sync import (
    AUDIO_TYPE,
    MOST_CLIPS_AT_ONCE,
    REASONS_OF_OLD,
    SYNC_ALGORITHM,
    SYNC_CURVE,
    SYNC_ISSUER,
    SYNC_TYPE,
    SyncClaims,
    SyncedVoice,
    SyncReport,
    VoiceReason,
)
from speaker_runtime.contract.voices import (
    MOST_CLIP_BYTES,
    MOST_CLIPS,
    MOST_VOICES_BYTES,
    ClaimFile,
    ReferenceClip,
    VoiceDefaults,
    VoiceEntry,
    VoiceManifest,
    VoiceProblem,
    VoiceReference,
)

__all__ = [
    "AUDIO_TYPE",
    "CACHE_DIRECTORY",
    "CLAIMS_DIRECTORY",
    "CLAIM_SCHEME",
    "CLIENT_SECONDS",
    "CONFIG_DIRECTORY",
    "CONFIG_FILE",
    "CUSTOM",
    "DRAIN_SECONDS",
    "FETCH_STATUS_PATH",
    "GATEWAY",
    "HTTP_PORT",
    "INPUT_CHARACTERS",
    "KEYS_DIRECTORY",
    "LIVE_PATH",
    "METRICS_PATH",
    "MODEL_DIRECTORY",
    "MODEL_VARIABLE",
    "MOST_CLIPS",
    "MOST_CLIPS_AT_ONCE",
    "MOST_CLIP_BYTES",
    "MOST_VOICES_BYTES",
    "QUEUE_SECONDS",
    "READY_PATH",
    "REASONS_OF_OLD",
    "ROUTES_FILE",
    "ROUTE_SYNC_PATH",
    "SHARED_CACHE_VARIABLE",
    "SYNC_ALGORITHM",
    "SYNC_CURVE",
    "SYNC_ISSUER",
    "SYNC_TYPE",
    "VOICES_FILE",
    "VOICE_AUDIO_PATH",
    "VOICE_STATES_DIRECTORY",
    "VOICE_SYNC_PATH",
    "AudioCacheConfig",
    "ClaimFile",
    "Copies",
    "DevicesConfig",
    "Digest",
    "Document",
    "DrainSeconds",
    "ExitCode",
    "FetchReport",
    "FetchStatus",
    "GatewayConfig",
    "InputCharacters",
    "LexiconSaying",
    "LexiconWord",
    "Manifest",
    "ModelConfig",
    "QueueSeconds",
    "ReferenceClip",
    "ReferencesConfig",
    "RepetitionPenalty",
    "RouteManifest",
    "RuntimeConfig",
    "Sampling",
    "ServingConfig",
    "SyncClaims",
    "SyncReport",
    "SyncedVoice",
    "Temperature",
    "TopK",
    "TopP",
    "Upstream",
    "VoiceDefaults",
    "VoiceEntry",
    "VoiceManifest",
    "VoiceProblem",
    "VoiceReason",
    "VoiceReference",
    "VoiceSyncConfig",
    "digest_of",
]
