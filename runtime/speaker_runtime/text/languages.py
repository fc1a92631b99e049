"""Language tags: which of a model's languages a request means."""

import re
from collections.abc import Sequence
from typing import Final

TAG_PATTERN: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"
LONGEST_TAG: Final = 35
_TAG: Final = re.compile(TAG_PATTERN.strip("^$"))


def is_tag(text: str) -> bool:
    """Whether ``text`` is written like a BCP 47 language tag, for example ``en`` or ``pt-BR``."""
    return len(text) <= LONGEST_TAG and _TAG.fullmatch(text) is not None


def primary(tag: str) -> str:
    """The language itself, without region and script: ``en`` of ``en-GB``."""
    return tag.partition("-")[0].lower()


def find(wanted: str, spoken: Sequence[str]) -> str | None:
    """Choose the tag of ``spoken`` that ``wanted`` means, the earlier one first.

    That is the same tag, else one of the same language: a text in en-AU can be read in en-GB.

    Returns:
        None where the language is not spoken at all.
    """
    same = (tag for tag in spoken if tag.lower() == wanted.lower())
    akin = (tag for tag in spoken if primary(tag) == primary(wanted))
    return next(same, None) or next(akin, None)
