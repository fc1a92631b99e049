"""What the engine asks of a model: load it, open a stream per utterance, step some streams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from speaker_runtime.audio.guard import Bounds, Fault
from speaker_runtime.audio.pcm import Samples
from speaker_runtime.contract import ModelConfig, Sampling
from speaker_runtime.errors import SpeechError
from speaker_runtime.text.languages import primary
from speaker_runtime.text.normalization import Form
from speaker_runtime.text.phonemes import Alphabet, Pronunciation
from speaker_runtime.voices.preset import Preset

ClonedVoice: TypeAlias = Mapping[str, npt.NDArray[np.generic]]
"""What a backend made of a reference: arrays of numbers by names of its own, which nobody changes.

It is kept on disk and handed to any copy of the same model, on any device.
"""


@dataclass(frozen=True)
class Cloning:
    """Which references a backend takes.

    Attributes:
        sample_rate: Hertz that the samples are to have.
        shortest: Least seconds of all clips together, without the silence around them.
        longest: Most seconds of all clips together.
        most_clips: How many clips it takes.
        languages: BCP 47 tags of what its clones speak, where those are not all of the backend's.
        needs_transcript: Whether it has to be told what is said in the clips.
        revision: Raise it when equal references give other clones: what was kept is made anew.
    """

    sample_rate: int
    shortest: float = 3.0
    longest: float = 30.0
    most_clips: int = 1
    languages: tuple[str, ...] = ()
    needs_transcript: bool = False
    revision: int = 1


@dataclass(frozen=True)
class Reference:
    """Whom to sound like.

    Attributes:
        clips: Samples at the backend's sample rate, trimmed, checked and equally loud.
        language: BCP 47 tag of the voice's main language.
        transcript: What is said in the clips, one after the other; None where nobody told.
    """

    clips: tuple[Samples, ...]
    language: str
    transcript: str | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a loaded backend can do.

    Attributes:
        model_digest: Digest of the files that were loaded.
        device: Where the model runs, for example ``cpu``.
        sample_rate: Hertz of every chunk.
        precision: What it computes with; None where its backend leaves no choice.
        presets: The built-in speakers, the main one first; none where it only clones.
        slowest: Least pace that sounds right without help.
        fastest: Greatest pace that sounds right without help.
        utterance_limit: Longest utterance, in characters, in any other language than those of
            ``limits``.
        limits: Longest utterances by language, without regions.
        characters_per_second: Of text in a second of speech at pace 1, roughly.
        max_streams: How many utterances may be open at a time.
        max_batch: How many streams one step takes.
        warmup: An utterance to speak once before the first request. What a model's runtime takes
            for its longest run it often keeps: an utterance of usual length has it taken early.
        warmup_sounds: After how many of its slices with sound the rest would run nothing new; None
            to speak it to its end.
        first_limit: Longest first utterance of an answer, in characters, where its first sentence
            has clauses to cut at; None where whole sentences come soon enough.
        reads: Written forms that it reads itself; the others are put into words for it.
        speech: What its speech is like, where :meth:`Bounds.around` its usual pace is not close.
        has_chance: Whether another seed may give a right reading where one went wrong.
        sampling: How it draws from chance unless told otherwise; it follows no parameter that is
            None here.
        phonemes: Whether it speaks the pronunciations of a request.
        mixes_presets: Whether a preset may be a mix (:mod:`speaker_runtime.voices.mixing`).
        cloning: Which references it takes; None where it cannot clone. One that can is a
            :class:`CloningBackend`.
    """

    model_digest: str
    device: str
    sample_rate: int
    presets: tuple[Preset, ...]
    slowest: float
    fastest: float
    utterance_limit: int
    characters_per_second: float
    max_streams: int
    max_batch: int
    warmup: str
    limits: Mapping[str, int] = field(default_factory=dict)
    first_limit: int | None = None
    reads: frozenset[Form] = frozenset()
    speech: Bounds | None = None
    has_chance: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    phonemes: bool = False
    mixes_presets: bool = False
    cloning: Cloning | None = None
    precision: str | None = None
    warmup_sounds: int | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """BCP 47 tags of what any of the presets or clones speaks, the main one first."""
        spoken = [tag for preset in self.presets for tag in preset.languages]
        return tuple(dict.fromkeys([*spoken, *(self.cloning.languages if self.cloning else ())]))

    def limit_of(self, language: str) -> int:
        """Longest utterance in a language, given by its BCP 47 tag, in characters."""
        return self.limits.get(primary(language), self.utterance_limit)

    @property
    def alphabets(self) -> frozenset[Alphabet]:
        """What phonemes may be written in; none where none are spoken."""
        return frozenset(Alphabet) if self.phonemes else frozenset()


@dataclass(frozen=True)
class SpeechRequest:
    """One utterance for one speaker.

    Equal requests give equal samples, whatever is spoken before, after or at the same time.

    Attributes:
        text: No longer than the backend's limit.
        preset: One of the backend's built-in speakers, or a mix of them where it can mix; of a
            cloned voice, the name that tells it from all others.
        language: BCP 47 tag of the text, one of the backend's.
        speed: Pace, within the backend's own range.
        seed: Of everything random.
        sampling: How it is drawn from chance, as far as the backend follows it; what is None is
            the model's own.
        pronunciations: How parts of the text sound; only where the backend says it speaks them.
        clone: What the backend made of the voice's reference; ``preset`` stands for it wherever
            requests are compared.
    """

    text: str
    preset: str
    language: str
    speed: float
    seed: int
    sampling: Sampling = field(default_factory=Sampling)
    pronunciations: tuple[Pronunciation, ...] = ()
    clone: ClonedVoice | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Slice:
    """What one step made for one stream.

    Attributes:
        samples: Perhaps none yet.
        finished: Whether these are the last.
        fault: What the backend itself found wrong with the utterance, which ends here then; what
            can be heard is looked for by whoever asked.
    """

    samples: Samples
    finished: bool
    fault: Fault | None = None


StepResult: TypeAlias = Slice | SpeechError
"""A slice, or why this stream (and it alone) cannot go on."""


class DeviceUnavailableError(Exception):
    """The device is not there, failed, or has no memory left; another one may do.

    Attributes:
        remedy: What to do, for whoever runs the service.
    """

    remedy: ClassVar[str] = (
        "See that the GPU and its driver are there, or let the model run on the CPU: "
        "devices.fallback_to_cpu here, gpu.fallbackToCPU in a TTSService."
    )


class OutOfMemoryError(DeviceUnavailableError):
    """The device has no memory left for this; it works, and there may be enough for less."""

    remedy: ClassVar[str] = (
        "Give it more memory (resources in a TTSService, or a larger GPU), load fewer copies "
        "(devices.copies here, serving.copies there), or compute with less (model.precision)."
    )


@dataclass(frozen=True)
class Placement:
    """Where one copy of the model runs.

    Attributes:
        device: ``cpu``, or one of the names that :meth:`BackendFactory.gpus` gives.
        threads: Most threads for work on the CPU.
        neighbours: How many other copies run on the same device.
    """

    device: str
    threads: int
    neighbours: int = 0


StreamT = TypeVar("StreamT")
"""An utterance being spoken: the backend's own state of it."""


class Backend(Protocol[StreamT]):
    """One copy of a model.

    Every method but :meth:`check` is called on one thread, one at a time.
    """

    @property
    def voice_state_bytes(self) -> int:
        """Memory of what was made of voices for requests and is kept, within a bound.

        Read on any thread, at any time.
        """

    def load(self, progress: Callable[[str], None]) -> Capabilities:
        """Bring the model into memory, telling ``progress`` which part is being loaded.

        Raises:
            ModelError: The files are missing or damaged.
            DeviceUnavailableError: The device cannot be used.
        """

    def check(self, request: SpeechRequest) -> Sequence[str]:
        """Warnings about what of ``request`` will not be followed to the letter.

        Quick, and called on any thread once the model is loaded, while other requests are spoken.

        Raises:
            SpeechError: The text or the parameters cannot be spoken.
        """

    def open(self, request: SpeechRequest) -> StreamT:
        """Begin a request that has been checked. Quick: nothing is synthesised yet.

        Raises:
            SpeechError: It cannot be spoken after all.
            DeviceUnavailableError: The device failed or ran out of memory.
        """

    def step(self, streams: Sequence[StreamT]) -> Sequence[StepResult]:
        """Advance each of up to ``max_batch`` streams by one slice, results in the same order.

        One step takes well under a second, so that other requests get their turn.

        Raises:
            DeviceUnavailableError: The device failed or ran out of memory; these streams are lost.
        """

    def close(self) -> None:
        """Give the memory back."""


class CloningBackend(Backend[StreamT], Protocol[StreamT]):
    """A model that can sound like somebody whom it has only just heard."""

    def embed(self, reference: Reference) -> ClonedVoice:
        """Make of a reference what :meth:`open` needs to speak like it.

        It may take seconds: between the steps of other streams, on the thread of the model. Equal
        references give equal clones.

        Raises:
            SpeechError: Nothing can be made of it.
            DeviceUnavailableError: The device failed or ran out of memory.
        """


AnyBackend: TypeAlias = Backend[Any]
"""A backend whose streams only it looks into."""


class BackendFactory(Protocol):
    """What an entry point in the group ``speaker_tts.backends`` names: the backend's class."""

    def __call__(self, model: ModelConfig, placement: Placement) -> AnyBackend:
        """Make one copy of the model; cheap, nothing is read until it is loaded."""

    @staticmethod
    def gpus() -> tuple[str, ...]:
        """Every GPU of this machine that the backend can run on."""

    @staticmethod
    def copies(cpus: int) -> int:
        """How many copies of the model make the most of so many CPUs."""
