"""In which language a passage is read; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text import languages
from speaker_runtime.text.detection import detect


@dataclass(frozen=True)
class Reading:
    """How a passage is read.

    Attributes:
        language: BCP 47 tag, one of the model's.
        warning: Why that is not quite what was asked for, where it is not.
    """

    language: str
    warning: str | None = None


def read_as(wanted: str, own: Sequence[str], spoken: Sequence[str]) -> Reading:
    """Read a passage in the language that somebody says it is in.

    Args:
        wanted: BCP 47 tag.
        own: Languages of the voice, which come first.
        spoken: Those of the model.

    Raises:
        SpeechError: The model does not speak it.
    """
    found = languages.find(wanted, own) or languages.find(wanted, spoken)
    if found is None:
        raise SpeechError(
            ErrorCode.LANGUAGE_NOT_SUPPORTED,
            f"This model does not speak {wanted!r}; it speaks: {', '.join(spoken)}.",
            param="language",
        )
    if wanted.lower() in {found.lower(), languages.primary(found)}:
        return Reading(found)
    return Reading(found, f"the text is read as {found}, not {wanted}")


def read_by_itself(text: str, around: str, own: Sequence[str], spoken: Sequence[str]) -> Reading:
    """Read a passage that names no language; in the voice's first one where it shows none.

    Args:
        text: Of the passage. What is too short to show its language is read like what is around it.
        around: The whole text.
        own: Languages of the voice.
        spoken: Those of the model.
    """
    choice = [tag for tag in own if languages.find(tag, spoken)] or own
    found = detect(text, choice) or detect(around, choice)
    if found is None:
        return Reading(choice[0])
    return Reading(found, f"the text is read as {found}, which was detected")
