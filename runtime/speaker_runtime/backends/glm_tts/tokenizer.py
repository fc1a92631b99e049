"""Text into the ids of the published vocabulary, which is read as data: no code of it is run.

The vocabulary is byte pairs with a rank each (``tokenizer.model``), and tokens that stand for
themselves wherever they are written (``tokenizer_config.json``): marks, phonemes, speech codes.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tiktoken

from speaker_runtime.backends.glm_tts.errors import damaged, missing

RANKS_FILE: Final = "tokenizer.model"
TOKENS_FILE: Final = "tokenizer_config.json"

_PIECES: Final = "|".join(
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
"""What is never merged with what stands beside it."""
_PAD: Final = "<|endoftext|>"
_END_OF_AUDIO: Final = "<|user|>"
_BEGIN_OF_AUDIO: Final = "<|begin_of_audio|>"
_FIRST_CODE: Final = "<|audio_0|>"
_CODE: Final = re.compile(r"<\|audio_(\d+)\|>")
_BYTES: Final = 256


@dataclass(frozen=True)
class SpecialIds:
    """Ids that are more than text.

    Attributes:
        pad: Of nothing.
        end_of_audio: Ends the codes of a piece.
        begin_of_audio: Stands between text and codes.
        first_code: Of speech code 0; the others follow.
        last_code: Of the last speech code.
    """

    pad: int
    end_of_audio: int
    begin_of_audio: int
    first_code: int
    last_code: int

    @property
    def codes(self) -> int:
        """How many speech codes there are."""
        return self.last_code - self.first_code + 1


@dataclass(frozen=True)
class _Added:
    """A token that stands for itself, and whether it takes white space along."""

    id: int
    eats_left: bool
    eats_right: bool


class Tokenizer:
    """Turns text into ids; any thread may call it.

    Args:
        directory: Of the two files.

    Raises:
        ModelError: One of them is missing or damaged.
    """

    def __init__(self, directory: Path) -> None:
        ranks = _ranks(directory / RANKS_FILE)
        path = directory / TOKENS_FILE
        self._added = _added(path)
        self._lengths = _lengths(self._added)
        self._pairs = tiktoken.Encoding(
            "glm-tts", pat_str=_PIECES, mergeable_ranks=ranks, special_tokens={}
        )
        ids = {content: token.id for content, token in self._added.items()}
        self.special = _special(path, ids)
        self.size: int = 1 + max(*ranks.values(), *ids.values())
        """How many rows a table of embeddings needs at least."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text, and nothing but those: no mark before or behind it.

        What is written like a token that stands for itself becomes it; of several that begin at one
        place, the longest.
        """
        return [each for part in self._parts(text) for each in part]

    def id_of(self, token: str) -> int | None:
        """The id of a token that stands for itself, such as ``<|ZH|>``, if there is one."""
        found = self._added.get(token)
        return None if found is None else found.id

    def _parts(self, text: str) -> Iterator[Sequence[int]]:
        begin = 0
        for at, end, token in self._found(text):
            plain = text[begin:at]
            yield self._plain(plain.rstrip() if token.eats_left else plain)
            yield (token.id,)
            begin = end + (_leading_space(text[end:]) if token.eats_right else 0)
        yield self._plain(text[begin:])

    def _found(self, text: str) -> Iterator[tuple[int, int, _Added]]:
        """Where tokens that stand for themselves begin and end."""
        at = 0
        while at < len(text):
            for length in self._lengths.get(text[at], ()):
                token = self._added.get(text[at : at + length])
                if token is not None:
                    yield at, at + length, token
                    at += length
                    break
            else:
                at += 1

    def _plain(self, text: str) -> Sequence[int]:
        return self._pairs.encode_ordinary(text) if text else ()


def _leading_space(text: str) -> int:
    return len(text) - len(text.lstrip())


def _ranks(path: Path) -> dict[bytes, int]:
    """Byte sequences by rank; one line each, base64 and the rank."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(_content(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            written, rank = line.split()
            ranks[base64.b64decode(written, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise damaged(path, f"line {number} is no token with its rank ({error})") from error
    lacking = [byte for byte in range(_BYTES) if bytes([byte]) not in ranks]
    if lacking:
        raise damaged(path, f"it has no token for the byte {lacking[0]}")
    if len(set(ranks.values())) < len(ranks):
        raise damaged(path, "two of its tokens have the same rank")
    return ranks


def _added(path: Path) -> dict[str, _Added]:
    try:
        entries = json.loads(_content(path))["added_tokens_decoder"]
        return {
            str(entry["content"]): _Added(
                int(number), bool(entry.get("lstrip")), bool(entry.get("rstrip"))
            )
            for number, entry in entries.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(path, f"it has no added_tokens_decoder that can be read ({error})") from error


def _lengths(added: Mapping[str, _Added]) -> dict[str, tuple[int, ...]]:
    """How long the tokens are that begin with a character, the longest first."""
    found: dict[str, set[int]] = {}
    for content in filter(None, added):
        found.setdefault(content[0], set()).add(len(content))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}


def _special(path: Path, ids: Mapping[str, int]) -> SpecialIds:
    names = (_PAD, _END_OF_AUDIO, _BEGIN_OF_AUDIO, _FIRST_CODE)
    absent = [name for name in names if name not in ids]
    if absent:
        raise damaged(path, f"it has no {' and no '.join(absent)}")
    codes = sorted(
        (int(match[1]), number)
        for content, number in ids.items()
        if (match := _CODE.fullmatch(content))
    )
    numbers = [number for _, number in codes]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise damaged(path, "the ids of its speech codes do not follow one another")
    early = [name for name in names if ids[name] < ids[_PAD]]
    if early:
        raise damaged(path, f"{early[0]} stands before {_PAD}, among the text")
    return SpecialIds(
        pad=ids[_PAD],
        end_of_audio=ids[_END_OF_AUDIO],
        begin_of_audio=ids[_BEGIN_OF_AUDIO],
        first_code=numbers[0],
        last_code=numbers[-1],
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise damaged(path, str(error)) from error
