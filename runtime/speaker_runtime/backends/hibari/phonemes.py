"""From the International Phonetic Alphabet to the one that the models were trained on.

That alphabet is misaki's (github.com/hexgrad/misaki, EN_PHONES.md): one letter for each diphthong
and affricate; American vowels without length.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_KNOWN: Final = frozenset(
    " AIOQSTWYabcdefhijklmnopqrstuvwxyzæçðøŋœɐɑɒɔɕɖəɚɛɜɟɡɣɤɥɨɪɯɰɲɳɴɸɹɻɽɾʁʂʃʈʊʋʌʎʒʔʝʣʤʥʦʧʨʰʲˈˌːβθχᵊᵻ"
)
"""What the models have a token for, of letters and marks."""
_BOTH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "\u0361": "",
        "\u035c": "",
        "\u0329": "",
        ".": "",
        "‿": "",
        "ˑ": "",
        "tʃ": "ʧ",
        "dʒ": "ʤ",
        "eɪ": "A",
        "aɪ": "I",
        "ɔɪ": "Y",
        "aʊ": "W",
        "r": "ɹ",
        "ɫ": "l",
        "ʍ": "w",
    }
)
_AMERICAN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "oʊ": "O",
        "əʊ": "O",
        "eə": "ɛɹ",
        "ɪə": "ɪɹ",
        "ʊə": "ʊɹ",
        "ɝ": "ɜɹ",
        "ɚ": "əɹ",
        "ɾ": "T",
        "ɒ": "ɑ",
        "ː": "",
        "e": "ɛ",
        "o": "O",
        "a": "ɑ",
    }
)
_BRITISH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "əʊ": "Q",
        "oʊ": "Q",
        "eə": "ɛː",
        "ɛə": "ɛː",
        "ɝ": "ɜː",
        "ɚ": "ə",
        "e": "ɛ",
        "æ": "a",
    }
)


def from_ipa(ipa: str, *, british: bool) -> str:
    """Phonemes for the model.

    Args:
        ipa: In the International Phonetic Alphabet.
        british: Whether a British voice speaks.

    Returns:
        What of them the model has a sound for; perhaps nothing.
    """
    said = _written(ipa, british=british)
    return "".join(each for each in said if each in _KNOWN).strip()


def unknown(ipa: str, *, british: bool) -> str:
    """The phonemes that the model has no sound for."""
    said = _written(ipa, british=british)
    return "".join(dict.fromkeys(each for each in said if each not in _KNOWN))


def _written(ipa: str, *, british: bool) -> str:
    said = unicodedata.normalize("NFD", ipa)
    for table in (_BOTH, _BRITISH if british else _AMERICAN):
        for written, sound in table.items():
            said = said.replace(written, sound)
    return said
