"""Pronunciations: words with the sounds to say for them, in the International Phonetic Alphabet."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_SOUNDS: Final = frozenset(
    "abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɝɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑ"
    "ʒʔʕʘʙʛʜʝʟʡʢʣʤʥʦʧʨβθχᵊᵻᵿǀǁǂǃ"
)
_MARKS: Final = frozenset("ˈˌːˑ.‿ʰʲʷˠˤ˞ⁿˡ˥˦˧˨˩ ")
_ALIKE: Final[Mapping[str, str]] = MappingProxyType({"g": "ɡ", "'": "ˈ", ":": "ː"})
"""Letters that are typed for others."""
LONGEST: Final = 200
"""Characters of one pronunciation."""

_PAIRS: Final = """
@|ə {|æ A|ɑ Q|ɒ V|ʌ E|ɛ I|ɪ O|ɔ U|ʊ 3|ɜ 3\\|ɞ 6|ɐ 1|ɨ }|ʉ 2|ø 9|œ &|ɶ M|ɯ 7|ɤ 8|ɵ Y|ʏ @\\|ɘ @`|ɚ
3`|ɝ I\\|ᵻ U\\|ᵿ T|θ D|ð S|ʃ Z|ʒ N|ŋ C|ç G|ɣ X|χ R|ʁ R\\|ʀ B|β B\\|ʙ F|ɱ J|ɲ J\\|ɟ L|ʎ L\\|ʟ H|ɥ W|ʍ
P|ʋ v\\|ʋ r\\|ɹ r\\`|ɻ 4|ɾ 5|ɫ l`|ɭ n`|ɳ s`|ʂ z`|ʐ t`|ʈ d`|ɖ r`|ɽ s\\|ɕ z\\|ʑ p\\|ɸ h\\|ɦ ?|ʔ ?\\|ʕ
K|ɬ K\\|ɮ j\\|ʝ M\\|ɰ N\\|ɴ G\\|ɢ X\\|ħ x\\|ɧ "|ˈ %|ˌ :|ː :\\|ˑ =|\u0329 _=|\u0329 ~|\u0303
_~|\u0303 _h|ʰ _j|ʲ _w|ʷ
"""
_X_SAMPA: Final[Mapping[str, str]] = MappingProxyType(
    {symbol: sound for symbol, _, sound in (pair.partition("|") for pair in _PAIRS.split())}
)
"""John Wells, Computer-coding the IPA: a proposed extension of SAMPA (1995); the common part."""
_LONGEST_SYMBOL: Final = max(map(len, _X_SAMPA))


class Alphabet(StrEnum):
    """How phonemes may be written."""

    IPA = "ipa"
    X_SAMPA = "x-sampa"


class WrongPhonemesError(ValueError):
    """Phonemes that cannot be read; the message says why."""


@dataclass(frozen=True)
class Pronunciation:
    """How a part of a text sounds.

    Attributes:
        start: Characters of the text before it.
        end: Characters of the text up to its end.
        ipa: Its sounds.
    """

    start: int
    end: int
    ipa: str


def as_ipa(written: str, alphabet: Alphabet) -> str:
    """Phonemes in the International Phonetic Alphabet.

    Raises:
        WrongPhonemesError: They are none, too many, or written in another alphabet.
    """
    plain = " ".join(written.split())
    if len(plain) > LONGEST:
        raise WrongPhonemesError(f"phonemes are longer than {LONGEST} characters")
    if alphabet is Alphabet.X_SAMPA:
        plain = _from_x_sampa(plain)
    decomposed = unicodedata.normalize("NFD", plain)
    ipa = unicodedata.normalize("NFC", "".join(_ALIKE.get(each, each) for each in decomposed))
    for each in ipa:
        if not _is_ipa(each):
            raise WrongPhonemesError(f"{each!r} is no sound of the alphabet {alphabet}")
    if not any(each in _SOUNDS for each in ipa):
        raise WrongPhonemesError("phonemes hold no sound")
    return ipa


def _is_ipa(character: str) -> bool:
    base, *marks = list(unicodedata.normalize("NFD", character))
    if character in _SOUNDS or character in _MARKS:
        return True
    is_combined = base in _SOUNDS or unicodedata.combining(base) != 0
    return is_combined and all(map(unicodedata.combining, marks))


def _from_x_sampa(written: str) -> str:
    found = []
    rest = written
    while rest:
        symbol = next(
            (rest[:size] for size in range(_LONGEST_SYMBOL, 0, -1) if rest[:size] in _X_SAMPA),
            None,
        )
        found.append(_X_SAMPA[symbol] if symbol else rest[0])
        rest = rest[len(symbol or rest[0]) :]
    return "".join(found)
