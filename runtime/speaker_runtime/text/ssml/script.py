"""What an SSML document comes down to: passages of text, each with how it is to be spoken."""

from dataclasses import dataclass
from enum import StrEnum

from speaker_runtime.text.phonemes import Pronunciation


class Mode(StrEnum):
    """What happens to markup that cannot be followed."""

    STRICT = "strict"
    """It is refused."""
    LENIENT = "lenient"
    """It is left aside with a warning; what stands inside is spoken."""


@dataclass(frozen=True)
class Style:
    """How a passage is spoken.

    Attributes:
        voice: Name of a voice; None for the request's.
        language: BCP 47 tag; None for the request's.
        rate: Factor on the pace.
        gain: Factor on the samples; 0 is silence.
    """

    voice: str | None = None
    language: str | None = None
    rate: float = 1.0
    gain: float = 1.0


@dataclass(frozen=True)
class Passage:
    """A run of text in one style.

    Attributes:
        text: To be spoken; empty for the end of a document.
        style: How.
        pause: Seconds of silence before it.
        marks: Names of the marks that are reached where it begins, after the pause.
        pronunciations: How parts of the text sound, in order.
    """

    text: str
    style: Style
    pause: float = 0.0
    marks: tuple[str, ...] = ()
    pronunciations: tuple[Pronunciation, ...] = ()


@dataclass(frozen=True)
class Script:
    """A whole document.

    Attributes:
        passages: In order.
        end: What comes after the last one: perhaps a pause and marks, no text.
        warnings: What of the markup is not followed.
    """

    passages: tuple[Passage, ...]
    end: Passage
    warnings: tuple[str, ...] = ()
