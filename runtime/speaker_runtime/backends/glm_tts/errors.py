"""What can be wrong with a model's files, a voice's recording or a text, told with its remedy."""

from typing import Final

from speaker_runtime.audio.clips import UnfitReferenceError
from speaker_runtime.contract import ExitCode, VoiceReason
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.models.errors import ModelError

SHORTEST_REFERENCE: Final = 3.0
LONGEST_REFERENCE: Final = 30.0
"""Seconds of a recording that a voice can be made of; from three to ten sound best."""

_SHOWN: Final = 20
_SENTENCE: Final = 400


def damaged(path: object, why: str) -> ModelError:
    """The error that a file is no part of a GLM-TTS model, or is damaged.

    Args:
        path: The file.
        why: What was found, as the end of a sentence.
    """
    return ModelError(
        ExitCode.MODEL_CORRUPT,
        f"{path} is no part of a GLM-TTS model: {shortened(why)}.",
        "Fetch the model anew, or name a model.source that fits the backend glm-tts.",
    )


def missing(path: object) -> ModelError:
    """The error that a model lacks a file."""
    return ModelError(
        ExitCode.MODEL_UNAVAILABLE,
        f"The model has no {path}.",
        "Fetch the model anew, or name a model.source that fits the backend glm-tts.",
    )


def unspeakable(text: str, why: str) -> SpeechError:
    """The error that a text, or a part of it, cannot be read.

    Args:
        text: The part that is to blame.
        why: What is wrong with it, as the end of a sentence.
    """
    quoted = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return SpeechError(ErrorCode.TEXT_NOT_SPEAKABLE, f"{quoted!r} {why}.", param="input")


def too_short(seconds: float) -> UnfitReferenceError:
    """The error that a recording of so many seconds is not enough for a voice."""
    return UnfitReferenceError(
        VoiceReason.TOO_SHORT,
        f"it lasts {seconds:.2f} s, and GLM-TTS needs {SHORTEST_REFERENCE:g} s: record a "
        "sentence or two",
    )


def require_reference(seconds: float, transcript: str | None) -> str:
    """The transcript of a recording that a voice can be made of.

    Args:
        seconds: How long the recording is.
        transcript: What is said in it.

    Raises:
        UnfitReferenceError: It is too short or too long, or nobody told what is said in it.
    """
    if not seconds >= SHORTEST_REFERENCE:
        raise too_short(seconds)
    if seconds > LONGEST_REFERENCE:
        raise UnfitReferenceError(
            VoiceReason.TOO_LONG,
            f"it lasts {seconds:.1f} s, and GLM-TTS takes {LONGEST_REFERENCE:g} s: cut it to the "
            "best part, between 3 and 10 s",
        )
    if transcript is None or not transcript.strip():
        raise UnfitReferenceError(
            VoiceReason.TRANSCRIPT_MISSING,
            "GLM-TTS has to know what is said in it: write it in reference.transcript",
        )
    return transcript


def shortened(why: str) -> str:
    """Of a long reason, such as one that names every tensor, the beginning."""
    why = " ".join(why.split()).rstrip(".")
    return why if len(why) <= _SENTENCE else f"{why[:_SENTENCE]}…"
