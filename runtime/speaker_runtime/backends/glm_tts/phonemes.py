"""Chinese characters of which the model has too few as their sounds: ``参`` as ``<|SH|><|EN1|>``.

How a character sounds depends on its word. Characters of the model's own list stay as they are.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jieba
import jieba.posseg
from pypinyin import Style, lazy_pinyin

from speaker_runtime.backends.glm_tts.errors import damaged, missing

KEPT_FILE: Final = "G2P_able_1word.json"
FORCED_FILE: Final = "G2P_replace_dict.jsonl"

_CHINESE: Final = re.compile(
    "(["
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b820-\U0002ceaf\U0002ceb0-\U0002ebef"
    "\U00030000-\U0003134f\U00031350-\U000323af"
    "\uf900-\ufaff\U0002f800-\U0002fa1f\u2e80-\u2eff"
    "]+)"
)
_READ_AS: Final = str.maketrans({"嗯": "恩", "呣": "母"})
_SOUND: Final = re.compile(r"[a-z]+[1-5]?")
_BACK: Final = frozenset({"zh", "ch", "sh", "r"})
"""Initials behind which an i is another sound than elsewhere."""
_FRONT: Final = frozenset({"z", "c", "s"})
"""Initials behind which it is yet another one."""


@dataclass(frozen=True)
class Phonemes:
    """Puts characters into sounds.

    Attributes:
        kept: Characters that stay.
        forced: What is written another way whatever its sound, the tokens included.
    """

    kept: Collection[str]
    forced: Mapping[str, str]

    @classmethod
    def read(cls, directory: Path) -> "Phonemes":
        """As the model's ``configs`` say; without a list of what is forced, nothing is.

        Raises:
            ModelError: The list of characters that stay is missing, or one of both is damaged.
        """
        return cls(_kept(directory / KEPT_FILE), _forced(directory / FORCED_FILE))

    def __call__(self, text: str) -> str:
        """The text with tokens in place of characters; text that has been normalised."""
        keys = sorted(filter(None, self.forced), key=len, reverse=True)
        if not keys:
            return self._sounded(text)
        parts = re.split(f"({'|'.join(map(re.escape, keys))})", text)
        return "".join(
            self.forced[part] if number % 2 else self._sounded(part)
            for number, part in enumerate(parts)
        )

    def _sounded(self, text: str) -> str:
        return "".join(
            self._run(part) if number % 2 else part
            for number, part in enumerate(_CHINESE.split(text))
        )

    def _run(self, characters: str) -> str:
        sounds = [sound for word in _words(characters) for sound in _sounds(word)]
        if len(sounds) != len(characters):
            return characters
        written = [
            character if character in self.kept else sound
            for character, sound in zip(characters, sounds, strict=True)
        ]
        # Where the dictionaries know no sound of one of them, all stay as they are.
        return characters if "" in written else "".join(written)


def _words(characters: str) -> Iterator[str]:
    for each in _segmenter().cut(characters.translate(_READ_AS)):
        yield each.word


def _sounds(word: str) -> Iterator[str]:
    """For each character the tokens of its sound; nothing where it has none that is known."""
    initials = lazy_pinyin(word, style=Style.INITIALS, strict=True)
    finals = lazy_pinyin(word, style=Style.FINALS_TONE3, strict=True, neutral_tone_with_five=True)
    for initial, final in zip(initials, finals, strict=False):
        parts = [part for part in (initial, _final(initial, final)) if part]
        known = all(map(_SOUND.fullmatch, parts))
        yield "".join(f"<|{part.upper()}|>" for part in parts) if known else ""


def _final(initial: str, final: str) -> str:
    if re.fullmatch(r"i\d", final):
        if initial in _BACK:
            return f"ii{final}"
        if initial in _FRONT:
            return f"i{final}"
    return final


_SEGMENTERS: Final[list[Any]] = []


def _segmenter() -> Any:
    """Made once, in a second, of jieba's own words; no file that others may write is read."""
    if not _SEGMENTERS:
        words = jieba.Tokenizer()
        words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
        words.initialized = True
        _SEGMENTERS.append(jieba.posseg.POSTokenizer(words))
    return _SEGMENTERS[0]


def _kept(path: Path) -> frozenset[str]:
    if not path.is_file():
        raise missing(path)
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(path, f"it is no JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise damaged(path, "it is no list of characters")
    return frozenset(found)


def _forced(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    forced: dict[str, str] = {}
    try:
        for line in filter(str.strip, path.read_text("utf-8").splitlines()):
            entries: Mapping[str, str | Sequence[str]] = json.loads(line)
            for written, sound in entries.items():
                forced[written] = sound if isinstance(sound, str) else "".join(sound)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise damaged(path, f"it has no JSON object on each line ({error})") from error
    return forced
