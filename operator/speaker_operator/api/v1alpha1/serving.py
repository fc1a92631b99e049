"""Who speaks in the pods of a service, and within which limits."""

from typing import Annotated

from pydantic import Field, StringConstraints

from speaker_operator.api.v1alpha1.audiocache import AudioCacheSpec
from speaker_operator.api.v1alpha1.cel import Check
from speaker_operator.api.v1alpha1.common import SPEAKER, LabelSelector, Model, ObjectName
from speaker_runtime.contract import (
    CLIENT_SECONDS,
    DRAIN_SECONDS,
    INPUT_CHARACTERS,
    QUEUE_SECONDS,
    Copies,
    DrainSeconds,
    InputCharacters,
    QueueSeconds,
)

VoiceName = Annotated[
    str,
    StringConstraints(max_length=63),
    Check(
        f"self.matches(r'^{SPEAKER}$')",
        "must be the name of a selected Voice or of one of the backend's presets, for example "
        "heart",
    ),
]


class VoicesSpec(Model):
    """Who speaks."""

    selector: LabelSelector = Field(
        default_factory=LabelSelector,
        description="Which Voices of the namespace the service offers; all unless given.",
    )
    default: VoiceName | None = Field(
        default=None,
        description="Voice or preset that answers for OpenAI's voice names that no Voice claims; "
        "the first Voice by name unless given, else the backend's first preset.",
    )
    claims: tuple[ObjectName, ...] = Field(
        default_factory=tuple,
        max_length=8,
        description="PersistentVolumeClaims of the namespace that the pods mount, to read voices' "
        "reference audio from. A change replaces the pods.",
    )


Lexicon = Annotated[
    dict[str, Annotated[str, StringConstraints(min_length=1, max_length=256)]],
    Field(max_length=256),
    Check(
        "self.all(word, word.size() >= 1 && word.size() <= 64 && !word.startsWith(' ') && "
        "!word.endsWith(' '))",
        "words must have 1 to 64 characters and no space around them: write for example "
        "kubectl: cube control",
    ),
]


class ServingSpec(Model):
    """Limits of each pod."""

    max_input_characters: InputCharacters = Field(
        default=INPUT_CHARACTERS, description="Longest text accepted in one request."
    )
    max_queue_seconds: QueueSeconds = Field(
        default=QUEUE_SECONDS,
        description="Seconds of speech, estimated from the text, that may wait in a pod; requests "
        "beyond are answered with 503 and when to try again.",
    )
    max_client_seconds: QueueSeconds = Field(
        default=CLIENT_SECONDS,
        description="Seconds of speech that may wait in a pod for one client, known by its address "
        "and API key; its requests beyond are answered with 429 and when to try again.",
    )
    copies: Copies | None = Field(
        default=None,
        description="Copies of the model in a pod, which speak side by side; by default as many "
        "as make the most of the pod's CPUs. Each needs the model's memory once more.",
    )
    drain_seconds: DrainSeconds = Field(
        default=DRAIN_SECONDS,
        description="Seconds that running responses may take to finish when a pod stops.",
    )
    lexicon: Lexicon = Field(
        default_factory=dict,
        description="Words that the model misreads, and how to write them so that it reads them "
        "well, for example kubectl: cube control; or their sounds in the International Phonetic "
        "Alphabet, for example nginx: /\u02c8\u025bnd\u0292\u0259n\u025bks/, where the backend "
        "follows phonemes (hibari, kokoro). A word is found where it stands alone, whatever its "
        "case.",
    )
    audio_cache: AudioCacheSpec = Field(
        default_factory=AudioCacheSpec,
        description="Audio that was spoken once and need not be spoken again.",
    )
