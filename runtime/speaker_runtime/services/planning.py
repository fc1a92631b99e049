"""From an order to what the engine and the audio pipeline have to do; pure."""

from dataclasses import dataclass
from typing import Final

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.tempo import split_speed
from speaker_runtime.backends.protocol import Capabilities, SpeechRequest
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text import languages
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.text.normalize import normalize
from speaker_runtime.text.sentences import utterances
from speaker_runtime.voices.catalogue import Catalogue, Voice

_QUOTED: Final = 60
"""Characters of a text that an error quotes."""


@dataclass(frozen=True)
class SpeechOrder:
    """What a client asked for, every field valid by itself.

    Attributes:
        text: What to speak.
        voice: A name of a voice.
        audio_format: Of the answer.
        speed: Pace; None for the voice's own.
        seed: Of everything random: the same order always gives the same bytes.
        language: BCP 47 tag of the text; None for the voice's own.
        normalize: Whether written forms are put into words first.
    """

    text: str
    voice: str
    audio_format: AudioFormat
    speed: float | None = None
    seed: int = 0
    language: str | None = None
    normalize: bool = True


@dataclass(frozen=True)
class Plan:
    """How an order is carried out.

    Attributes:
        request: For the engine.
        tempo: Pace to add to what the backend does.
        warnings: What of the order is not followed to the letter.
    """

    request: SpeechRequest
    tempo: float
    warnings: tuple[str, ...]


def plan(order: SpeechOrder, catalogue: Catalogue, can: Capabilities, lexicon: Lexicon) -> Plan:
    """Decide how to carry out ``order``.

    Raises:
        SpeechError: It cannot be carried out.
    """
    voice = catalogue.resolve(order.voice)
    speed = voice.entry.defaults.speed if order.speed is None else order.speed
    native, tempo = split_speed(speed, can.slowest, can.fastest)
    language, warnings = _language(order.language, voice, can)
    text = normalize(order.text, language) if order.normalize else order.text
    spoken = utterances(lexicon.respell(text), language=language, limit=can.utterance_limit)
    if not spoken:
        raise _nothing_to_say(order.text)
    request = SpeechRequest(
        utterances=spoken,
        preset=voice.entry.preset,
        speed=native,
        seed=order.seed,
    )
    return Plan(request, tempo, warnings)


def _nothing_to_say(text: str) -> SpeechError:
    return SpeechError(
        ErrorCode.TEXT_NOT_SPEAKABLE,
        f"The text has nothing that can be read: {text[:_QUOTED]!r}.",
        param="input",
    )


def _language(wanted: str | None, voice: Voice, can: Capabilities) -> tuple[str, tuple[str, ...]]:
    """The language to read the text in, and what is to be said about it."""
    own = voice.entry.languages or can.languages
    if wanted is None:
        return own[0], ()
    found = languages.find(wanted, own) or languages.find(wanted, can.languages)
    if found is None:
        raise SpeechError(
            ErrorCode.LANGUAGE_NOT_SUPPORTED,
            f"This model does not speak {wanted!r}; it speaks: {', '.join(can.languages)}.",
            param="language",
        )
    is_as_wanted = found.lower() == wanted.lower() or wanted.lower() == languages.primary(found)
    return found, () if is_as_wanted else (f"the text is read as {found}, not {wanted}",)
