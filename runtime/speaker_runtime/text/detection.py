"""Which of a voice's languages a text is written in.

The model of py3langid (langid.py, Lui and Baldwin 2012) is loaded when it is first needed, so a
voice of one language neither waits nor pays for it.
"""

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from speaker_runtime.text.languages import primary

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SURE: Final = 0.75
"""Least share of the likelier of the two likeliest languages: single names stay below it."""
_ENOUGH: Final = 2000
"""Characters that are looked at: more would not change the answer."""
_SETS: Final = 64
"""Sets of languages that are kept ready: a service's voices have few different ones."""


def has_choice(languages: Sequence[str]) -> bool:
    """Whether there is more than one language in ``languages``, regions apart."""
    return len(frozenset(map(primary, languages))) > 1


def detect(text: str, languages: Sequence[str]) -> str | None:
    """The one of ``languages`` that ``text`` is written in.

    Args:
        text: Of any length.
        languages: BCP 47 tags; of two with the same primary part, the first one is meant.

    Returns:
        None where there is no choice, or where the text does not show it, as a name alone.
    """
    if not has_choice(languages):
        return None
    identifier = _identifier(tuple(sorted(frozenset(map(primary, languages)))))
    if identifier is None:
        return None
    (likeliest, chance), (_, other), *_ = identifier.rank(text[:_ENOUGH])
    if chance < _SURE * (chance + other):
        return None
    return next(tag for tag in languages if primary(tag) == likeliest)


@lru_cache(maxsize=_SETS)
def _identifier(languages: tuple[str, ...]) -> "LanguageIdentifier | None":
    """The model for some languages; None where it knows less than two of them."""
    model = _model()
    known = frozenset(languages) & frozenset(model.labels)
    if not has_choice(tuple(known)):
        return None
    identifier = copy.copy(model)
    identifier.set_languages(known)
    return identifier


@lru_cache(maxsize=1)
def _model() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  half a second

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
