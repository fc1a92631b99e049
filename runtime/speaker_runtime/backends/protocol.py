"""What the engine asks of a model: load it, open a stream per request, step some streams."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from speaker_runtime.audio.pcm import Samples
from speaker_runtime.errors import SpeechError


@dataclass(frozen=True)
class Capabilities:
    """What a loaded backend can do.

    Attributes:
        model_digest: Digest of the files that were loaded.
        device: Where the model runs, for example ``cpu``.
        sample_rate: Hertz of every chunk.
        languages: BCP 47 tags, the main one first.
        presets: Names of the built-in speakers, the main one first.
        slowest: Least pace that sounds right without help.
        fastest: Greatest pace that sounds right without help.
        utterance_limit: Longest utterance, in characters.
        characters_per_second: Of text in a second of speech at pace 1, roughly.
        max_streams: How many requests may be open at a time.
        max_batch: How many streams one step takes.
        warmup: An utterance to speak once before the first request.
        mixes_presets: Whether a preset may be a mix (:mod:`speaker_runtime.voices.mixing`).
    """

    model_digest: str
    device: str
    sample_rate: int
    languages: tuple[str, ...]
    presets: tuple[str, ...]
    slowest: float
    fastest: float
    utterance_limit: int
    characters_per_second: float
    max_streams: int
    max_batch: int
    warmup: str
    mixes_presets: bool = False


@dataclass(frozen=True)
class SpeechRequest:
    """One text for one speaker.

    Equal requests give equal samples, whatever else is spoken at the same time.

    Attributes:
        utterances: The text, none longer than the backend's limit.
        preset: One of the backend's built-in speakers, or a mix of them where it can mix.
        speed: Pace, within the backend's own range.
        seed: Of everything random.
    """

    utterances: tuple[str, ...]
    preset: str
    speed: float
    seed: int


class Stream(Protocol):
    """A request being spoken: the backend's own state of it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the request is not followed to the letter; known once it is open."""


@dataclass(frozen=True)
class Slice:
    """What one step made for one stream: perhaps no samples yet, and whether these are the last."""

    samples: Samples
    finished: bool


StepResult: TypeAlias = Slice | SpeechError
"""A slice, or why this stream (and it alone) cannot go on."""


StreamT = TypeVar("StreamT", bound=Stream)


class Backend(Protocol[StreamT]):
    """One model. Every method but ``__init__`` is called on the engine's thread, one at a time."""

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        """Bring the model into memory, telling ``progress`` which part is being loaded.

        Raises:
            ModelError: The files are missing or damaged.
        """

    def open(self, request: SpeechRequest) -> StreamT:
        """Begin a request. Quick: nothing is synthesised yet.

        Raises:
            SpeechError: The text or the parameters cannot be spoken.
        """

    def step(self, streams: Sequence[StreamT]) -> Sequence[StepResult]:
        """Advance each of up to ``max_batch`` streams by one slice, results in the same order.

        One step takes well under a second, so that other requests get their turn.
        """

    def close(self) -> None:
        """Give the memory back."""


AnyBackend: TypeAlias = Backend[Any]
"""A backend whose streams only it looks into."""
