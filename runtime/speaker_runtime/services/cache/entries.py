"""What is kept: utterances and answers, each as one blob of bytes that describes itself.

A blob is a magic number, the length of a header, a checksum of what follows, the header as JSON,
and the audio. Whatever does not fit together is no entry: a store may hold what a disk damaged, or
what somebody else wrote.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Final, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speaker_runtime.audio.pcm import Pcm16
from speaker_runtime.audio.pipeline import Mark

_MAGIC: Final = b"STC1"
_PREFIX: Final = struct.Struct("<4sII")
_SAMPLE: Final = np.dtype("<i2")

Length = Annotated[int, Field(ge=0)]


class DamagedEntryError(Exception):
    """The bytes are not the entry that was looked for."""


@dataclass(frozen=True)
class Utterance:
    """One utterance as the backend spoke it.

    Attributes:
        chunks: Its samples, in the pieces in which they were made: a replay then gives the same
            encoded bytes.
    """

    chunks: tuple[Pcm16, ...]


@dataclass(frozen=True)
class Heard:
    """When a sentence of an answer is heard.

    Attributes:
        index: Its place among the sentences.
        start: Seconds from the beginning of the answer.
        end: Seconds from the beginning; None while it is still being spoken.
    """

    index: int
    start: float
    end: float | None


@dataclass(frozen=True)
class KeptPiece:
    """Bytes of an answer that were sent together.

    Attributes:
        data: The bytes, perhaps none.
        seconds: How much audio the answer is up to here.
        cues: What was reached with these bytes.
    """

    data: bytes
    seconds: float
    cues: tuple[Mark | Heard, ...] = ()


@dataclass(frozen=True)
class Answer:
    """One complete answer: its pieces in order."""

    pieces: tuple[KeptPiece, ...]


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: str
    lengths: tuple[Length, ...]


class _UtteranceHeader(_Header):
    kind: Literal["utterance"] = "utterance"


class _AnswerHeader(_Header):
    kind: Literal["answer"] = "answer"
    seconds: tuple[float, ...]
    cues: tuple[tuple[Mark | Heard, ...], ...]


HeaderT = TypeVar("HeaderT", bound=_Header)


def write_utterance(key: str, utterance: Utterance) -> bytes:
    """The blob of an utterance."""
    parts = [chunk.astype(_SAMPLE, copy=False).tobytes() for chunk in utterance.chunks]
    header = _UtteranceHeader(key=key, lengths=_lengths(parts))
    return _join(header, parts)


def read_utterance(key: str, blob: bytes) -> Utterance:
    """The utterance that was written under ``key``.

    Raises:
        DamagedEntryError: ``blob`` is something else.
    """
    _, parts = _split(key, blob, _UtteranceHeader)
    if not parts or any(len(part) % _SAMPLE.itemsize for part in parts):
        raise DamagedEntryError("it has no chunks, or one that ends within a sample")
    chunks = tuple(np.frombuffer(part, _SAMPLE).astype(np.int16, copy=False) for part in parts)
    return Utterance(chunks)


def write_answer(key: str, answer: Answer) -> bytes:
    """The blob of an answer."""
    parts = [piece.data for piece in answer.pieces]
    header = _AnswerHeader(
        key=key,
        lengths=_lengths(parts),
        seconds=tuple(piece.seconds for piece in answer.pieces),
        cues=tuple(piece.cues for piece in answer.pieces),
    )
    return _join(header, parts)


def read_answer(key: str, blob: bytes) -> Answer:
    """The answer that was written under ``key``.

    Raises:
        DamagedEntryError: ``blob`` is something else.
    """
    header, parts = _split(key, blob, _AnswerHeader)
    if not len(header.cues) == len(header.seconds) == len(parts):
        raise DamagedEntryError("it has cues or times for another number of pieces")
    pieces = zip(map(bytes, parts), header.seconds, header.cues, strict=True)
    return Answer(tuple(KeptPiece(*piece) for piece in pieces))


def _join(header: _Header, parts: Sequence[bytes]) -> bytes:
    text = header.model_dump_json().encode()
    rest = b"".join((text, *parts))
    return _PREFIX.pack(_MAGIC, len(text), zlib.crc32(rest)) + rest


def _split(key: str, blob: bytes, kind: type[HeaderT]) -> tuple[HeaderT, Sequence[memoryview]]:
    if len(blob) < _PREFIX.size:
        raise DamagedEntryError(f"it has {len(blob)} bytes")
    magic, length, checksum = _PREFIX.unpack_from(blob)
    if magic != _MAGIC:
        raise DamagedEntryError("it is of another format")
    rest = memoryview(blob)[_PREFIX.size :]
    if zlib.crc32(rest) != checksum:
        raise DamagedEntryError("it was changed or cut off")
    try:
        header = kind.model_validate_json(bytes(rest[:length]))
    except ValidationError as error:
        raise DamagedEntryError(f"its header has {error.error_count()} errors") from error
    if header.key != key:
        raise DamagedEntryError("it is the entry of another key")
    body = rest[length:]
    if sum(header.lengths) != len(body):
        raise DamagedEntryError("it has another length than its header says")
    ends = list(accumulate(header.lengths))
    return header, [
        body[end - length : end] for end, length in zip(ends, header.lengths, strict=True)
    ]


def _lengths(parts: Sequence[bytes]) -> tuple[int, ...]:
    return tuple(map(len, parts))
