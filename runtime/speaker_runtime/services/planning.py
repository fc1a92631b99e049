"""From an order to what the engine and the audio pipeline have to do; pure."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pipeline import Section
from speaker_runtime.audio.tempo import split_speed
from speaker_runtime.backends.protocol import Capabilities, ClonedVoice, SpeechRequest
from speaker_runtime.contract import Sampling
from speaker_runtime.engine.job import Job, Priority
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.reading import read_as, read_by_itself
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.text.normalization import normalizer
from speaker_runtime.text.phonemes import Pronunciation
from speaker_runtime.text.sentences import Sentence, Utterance, as_written, sentences
from speaker_runtime.text.ssml.parser import parse
from speaker_runtime.text.ssml.script import Mode, Passage, Script, Style
from speaker_runtime.voices.catalogue import Catalogue, Voice

SLOWEST: Final = 0.25
FASTEST: Final = 4.0
"""The paces that a request may ask for; SSML multiplies its own onto that."""
_QUOTED: Final = 60
"""Characters of a text that an error quotes."""


class CacheUse(StrEnum):
    """What an order has to do with what was spoken before."""

    FULL = "full"
    """What is known is not spoken again, and what is spoken is kept."""
    KEEP = "keep"
    """Everything is spoken anew and kept."""
    NOTHING = "nothing"
    """Everything is spoken anew and nothing is kept."""


@dataclass(frozen=True)
class SpeechOrder:
    """What a client asked for, every field valid by itself.

    Attributes:
        text: What to speak, plain or as SSML.
        voice: A name of a voice.
        audio_format: Of the answer.
        speed: Pace; None for the voice's own.
        seed: Of everything random: the same order always gives the same bytes.
        sampling: How it is drawn from chance; what is None is the voice's own, or the model's.
        language: BCP 47 tag of the text; None for the voice's own.
        normalize: Whether written forms are put into words first.
        ssml: How to read the text as SSML; None for plain text.
        priority: Who is served first.
        begin_within: Seconds in which the first speech has to be there; None for no such bound.
        client: Whom the order counts for.
        label: Names the order to people.
        cache: What it has to do with what was spoken before.
    """

    text: str
    voice: str
    audio_format: AudioFormat
    speed: float | None = None
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    language: str | None = None
    normalize: bool = True
    ssml: Mode | None = None
    priority: Priority = Priority.NORMAL
    begin_within: float | None = None
    client: str = ""
    label: str = ""
    cache: CacheUse = CacheUse.FULL


@dataclass(frozen=True)
class Caption:
    """One sentence as it was written.

    Attributes:
        text: Without the white space around it.
        span: Its place among the characters of a plain text; None where markup was read.
    """

    text: str
    span: tuple[int, int] | None


@dataclass(frozen=True)
class Place:
    """Where an utterance belongs.

    Attributes:
        section: Which section of the answer.
        caption: Which sentence.
        ends: Whether it is the last one of its sentence.
    """

    section: int
    caption: int
    ends: bool


@dataclass(frozen=True)
class Plan:
    """How an order is carried out.

    Attributes:
        requests: For the engine, one after the other.
        places: Where each of them belongs.
        captions: The sentences.
        sections: What happens to the samples.
        end: What comes after them.
        warnings: What of the order is not followed to the letter.
    """

    requests: tuple[SpeechRequest, ...]
    places: tuple[Place, ...]
    captions: tuple[Caption, ...]
    sections: tuple[Section, ...]
    end: Section
    warnings: tuple[str, ...]

    def job(self, order: SpeechOrder) -> Job:
        """What the engine is asked for."""
        return Job(
            requests=self.requests,
            priority=order.priority,
            client=order.client,
            label=order.label,
            begin_within=order.begin_within,
        )


Clones = Callable[[Voice], ClonedVoice | None]
"""What the model made of a voice's reference; None of a voice without one."""


def no_clones(_: Voice) -> None:
    """Of a model that cannot clone."""


def plan(
    order: SpeechOrder,
    catalogue: Catalogue,
    can: Capabilities,
    lexicon: Lexicon,
    clones: Clones = no_clones,
) -> Plan:
    """Decide how to carry out ``order``.

    Raises:
        SpeechError: It cannot be carried out.
    """
    return _Planner(order, catalogue, can, lexicon, clones).plan()


class _Planner:
    """Plans one order, passage by passage."""

    def __init__(
        self,
        order: SpeechOrder,
        catalogue: Catalogue,
        can: Capabilities,
        lexicon: Lexicon,
        clones: Clones,
    ) -> None:
        self._order = order
        self._clones = clones
        self._catalogue = catalogue
        self._can = can
        self._lexicon = lexicon
        self._requests: list[SpeechRequest] = []
        self._places: list[Place] = []
        self._captions: list[Caption] = []
        self._sections: list[Section] = []
        self._left = Section()
        self._text = order.text
        self._warnings: dict[str, None] = {}

    def plan(self) -> Plan:
        order = self._order
        script = (
            parse(order.text, order.ssml, self._can.alphabets, self._written_in())
            if order.ssml
            else _as_script(order.text)
        )
        self._text = " ".join(passage.text for passage in script.passages)
        self._warnings.update(dict.fromkeys(script.warnings))
        for passage in script.passages:
            self._add(passage)
        if not self._requests:
            raise _nothing_to_say(order.text)
        return Plan(
            requests=tuple(self._requests),
            places=tuple(self._places),
            captions=tuple(self._captions),
            sections=tuple(self._sections),
            end=self._after(script.end),
            warnings=tuple(self._warnings),
        )

    def _add(self, passage: Passage) -> None:
        style, can = passage.style, self._can
        try:
            voice = self._catalogue.resolve(style.voice or self._order.voice)
            language = self._language(style.language or self._order.language, voice, passage.text)
        except SpeechError as error:
            if style.voice or style.language:
                error.param = "input"
            raise
        own = voice.entry.defaults.speed if self._order.speed is None else self._order.speed
        native, tempo = split_speed(self._pace(own * style.rate), can.slowest, can.fastest)
        read = sentences(
            passage.text,
            language=language,
            limit=can.limit_of(language),
            normalize=normalizer(can.reads) if self._order.normalize else as_written,
            lexicon=self._lexicon,
            first_limit=None if self._requests else can.first_limit,
            pronunciations=passage.pronunciations,
        )
        section = replace(self._after(passage), tempo=tempo, gain=style.gain)
        if not read:
            self._left = section
            return
        self._left = Section()
        self._sections.append(section)
        sampling = self._sampling(voice)
        clone = self._clones(voice)
        for sentence in read:
            self._speak(
                sentence,
                lambda utterance: SpeechRequest(
                    text=utterance.text,
                    preset=voice.speaker,
                    language=language,
                    speed=native,
                    seed=self._order.seed,
                    sampling=sampling,
                    pronunciations=self._spoken(utterance),
                    clone=clone,
                ),
            )

    def _speak(self, sentence: Sentence, request: Callable[[Utterance], SpeechRequest]) -> None:
        span = None if self._order.ssml else (sentence.start, sentence.end)
        last = len(sentence.utterances) - 1
        self._places += [
            Place(len(self._sections) - 1, len(self._captions), ends=number == last)
            for number in range(last + 1)
        ]
        self._captions.append(Caption(sentence.text.strip(), span))
        self._requests += map(request, sentence.utterances)

    def _spoken(self, utterance: Utterance) -> tuple[Pronunciation, ...]:
        """An utterance's pronunciations, where the model speaks any."""
        if self._can.phonemes:
            return utterance.pronunciations
        if utterance.pronunciations:
            self._warnings.setdefault("this model does not follow the lexicon's phonemes")
        return ()

    def _after(self, passage: Passage) -> Section:
        """A passage's pause and marks, with those of what could not be heard before it."""
        return Section(
            pause=self._left.pause + passage.pause, marks=self._left.marks + passage.marks
        )

    def _sampling(self, voice: Voice) -> Sampling:
        """Every parameter that the model follows: the order's, the voice's, or its own."""
        wanted, own = self._order.sampling, self._can.sampling
        if voice.entry.defaults.sampling is not None:
            wanted = wanted.over(voice.entry.defaults.sampling)
        if unheeded := wanted.named - own.named:
            names = ", ".join(sorted(unheeded))
            self._warnings.setdefault(f"this model does not follow the sampling's {names}")
        return wanted.only(own.named).over(own)

    def _pace(self, wanted: float) -> float:
        pace = min(max(wanted, SLOWEST), FASTEST)
        if pace != wanted:
            self._warnings.setdefault(f"a pace of {wanted:.2f} is spoken at {pace:g}")
        return pace

    def _language(self, wanted: str | None, voice: Voice, text: str) -> str:
        """The language to read a text in."""
        own, spoken = voice.entry.languages or self._can.languages, self._can.languages
        reading = (
            read_by_itself(text, self._text, own, spoken)
            if wanted is None
            else read_as(wanted, own, spoken)
        )
        if reading.warning:
            self._warnings.setdefault(reading.warning)
        return reading.language

    def _written_in(self) -> str:
        """The language of a document, as far as it is known before it is read."""
        if self._order.language:
            return self._order.language
        try:
            voice = self._catalogue.resolve(self._order.voice)
        except SpeechError:
            # Refused where a passage needs it: all may name voices of their own.
            return self._can.languages[0]
        return (voice.entry.languages or self._can.languages)[0]


def _as_script(text: str) -> Script:
    return Script((Passage(text, Style()),), Passage("", Style()))


def _nothing_to_say(text: str) -> SpeechError:
    return SpeechError(
        ErrorCode.TEXT_NOT_SPEAKABLE,
        f"The text has nothing that can be read: {text[:_QUOTED]!r}.",
        param="input",
    )
