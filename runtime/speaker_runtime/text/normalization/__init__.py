"""Written forms into words: numbers, prices, dates, units, addresses and the like.

Each language has a module of its own, which is loaded when the language is first met.
"""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from speaker_runtime.text.languages import primary
from speaker_runtime.text.normalization.forms import Form, Rule

if TYPE_CHECKING:
    from speaker_runtime.text.normalization.grammar import Grammar

__all__ = ["LANGUAGES", "Form", "normalize", "normalizer", "ordinal", "spelled"]

LANGUAGES: Final = ("en", "de", "es", "fr", "zh", "ja")
"""The languages whose written forms are put into words."""

_GRAMMARS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "en": ("english", "English"),
        "de": ("german", "German"),
        "es": ("spanish", "Spanish"),
        "fr": ("french", "French"),
        "zh": ("chinese", "Chinese"),
        "ja": ("japanese", "Japanese"),
    }
)
_KEPT: Final = len(_GRAMMARS) + 2
_AMERICAN: Final = frozenset({"en", "en-us", "en-ca", "en-ph"})
_KEYCAP: Final = re.compile("([0-9#*])\ufe0f?\u20e3")
_EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\U000e0020-\U000e007f]"
    "[\ufe0f\u200d\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\U000e0020-\U000e007f]*"
)
_WIDE_DIGITS: Final[Mapping[int, str]] = MappingProxyType(
    {0xFF10 + digit: str(digit) for digit in range(10)}
)


def normalize(text: str, language: str, reads: AbstractSet[Form] = frozenset()) -> str:
    """Put written forms of ``text`` into words.

    Emoji are left out in every language. In :data:`LANGUAGES`, forms become words, apart from
    those that the model reads itself. Nothing else is touched.

    Args:
        text: What was asked for.
        language: BCP 47 tag of the text.
        reads: Forms to leave as they are.

    Returns:
        The text to read; perhaps nothing but white space.
    """
    text = _EMOJI.sub(" ", _KEYCAP.sub(r"\1", text)).translate(_WIDE_DIGITS)
    for rule in _rules(*_grammar(language)):
        if rule.form not in reads:
            text = rule.apply(text)
    return text


def normalizer(reads: AbstractSet[Form]) -> Callable[[str, str], str]:
    """:func:`normalize` for a model that reads some forms itself."""
    return lambda text, language: normalize(text, language, reads)


def _grammar(language: str) -> tuple[str, str]:
    """Module and class of a language; empty where there is none."""
    module, name = _GRAMMARS.get(primary(language), ("", ""))
    if module == "english" and language.lower() not in _AMERICAN:
        name = "BritishEnglish"
    return module, name


def ordinal(number: int, language: str) -> str:
    """``number`` as a place in a row, in words; in digits in another language."""
    grammar = _speaking(*_grammar(language))
    return grammar.ordinal(number) if grammar else str(number)


def spelled(character: str, language: str) -> str:
    """The name of a sign; any other character as it is."""
    grammar = _speaking(*_grammar(language))
    return grammar.spelled(character) if grammar else character


@lru_cache(maxsize=_KEPT)
def _rules(module: str, name: str) -> tuple[Rule, ...]:
    grammar = _speaking(module, name)
    if grammar is None:
        return ()
    from speaker_runtime.text.normalization.rules import rules  # noqa: PLC0415  on first use

    return rules(grammar)


@lru_cache(maxsize=_KEPT)
def _speaking(module: str, name: str) -> "Grammar | None":
    if not module:
        return None
    spoken: type[Grammar] = getattr(import_module(f"{__name__}.{module}"), name)
    return spoken()
