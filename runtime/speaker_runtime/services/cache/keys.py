"""Under which keys audio is kept: digests of everything that decides how it sounds."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import av
import rfc8785

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.services.planning import Plan

VERSION: Final = 1
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
    """

    backend: str
    release: str
    model_digest: str
    device: str
    sample_rate: int


@dataclass(frozen=True)
class OrderKeys:
    """The keys of one order: of its whole answer, and of each of its utterances."""

    answer: str
    utterances: tuple[str, ...]


def order_keys(origin: Origin, planned: Plan, audio_format: AudioFormat) -> OrderKeys:
    """The keys of an order that is carried out in this way."""
    utterances = tuple(utterance_key(origin, request) for request in planned.requests)
    answer = {
        "kind": "answer",
        "utterances": utterances,
        "places": [asdict(place) for place in planned.places],
        "sections": [asdict(section) for section in (*planned.sections, planned.end)],
        "format": audio_format.value,
        "sampleRate": origin.sample_rate,
        "encoder": av.library_versions,
    }
    return OrderKeys(_digest(answer), utterances)


def utterance_key(origin: Origin, request: SpeechRequest) -> str:
    """The key of an utterance, whatever it is encoded to."""
    written = asdict(replace(request, clone=None))  # whose place its name takes
    del written["clone"]
    return _digest({"kind": "utterance", "origin": asdict(origin), "request": written})


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps({"version": VERSION, **fields})).hexdigest()
