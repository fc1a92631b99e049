"""Under which keys audio is kept: digests of everything that decides how it sounds."""

from dataclasses import dataclass, replace
from typing import Final

from av import library_versions

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.services.digest import digest
from speaker_runtime.services.planning import Plan

VERSION: Final = 3
"""Raise it when entries are written in another way."""


@dataclass(frozen=True)
class Origin:
    """Where samples come from.

    Attributes:
        backend: Its name.
        release: Of the program: another one may speak the same text in another way.
        model_digest: Digest of the model's files.
        device: Where the model runs: another one rounds in another way.
        sample_rate: Hertz.
        precision: What the model computes with, where there is a choice.
    """

    backend: str
    release: str
    model_digest: str
    device: str
    sample_rate: int
    precision: str | None = None


@dataclass(frozen=True)
class OrderKeys:
    """The keys of one order: of its whole answer, and of each of its utterances."""

    answer: str
    utterances: tuple[str, ...]


def order_keys(origin: Origin, planned: Plan, audio_format: AudioFormat) -> OrderKeys:
    """The keys of an order that is carried out in this way."""
    utterances = tuple(utterance_key(origin, request) for request in planned.requests)
    answer = digest(
        {
            "version": VERSION,
            "kind": "answer",
            "utterances": utterances,
            "places": planned.places,
            "sections": planned.sections,
            "end": planned.end,
            "format": audio_format,
            "sampleRate": origin.sample_rate,
            "encoder": library_versions,
        }
    )
    return OrderKeys(answer, utterances)


def utterance_key(origin: Origin, request: SpeechRequest) -> str:
    """The key of an utterance, whatever it is encoded to."""
    alike = replace(request, clone=None)  # whose place its name takes
    return digest({"version": VERSION, "kind": "utterance", "origin": origin, "request": alike})
