"""Addresses of pages and of mail into words."""

import re
from collections.abc import Mapping
from typing import Final

from speaker_runtime.text.normalization.forms import Form, Match, Rule

_DOMAIN: Final = r"(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}"
_TOP: Final = r"(?:com|org|net|edu|gov|info|io|dev|app|ai|eu|uk|co|de|es|mx|fr|cn|jp)"
_REST: Final = r"[^\s<>\"\u3000-\u9fff\uff00-\uffef]"
"""Of an address; Chinese and Japanese go on behind one without a space."""
_ADDRESS: Final = re.compile(
    rf"(?<![A-Za-z0-9_@./-])(?:https?://{_REST}+|www\.{_REST}+"
    rf"|{_DOMAIN}{_TOP}(?![A-Za-z0-9_.-]*[A-Za-z0-9_])(?:[:/]{_REST}*)?)"
)
_SCHEME: Final = re.compile(r"^https?://(?:www\.)?|^www\.", re.IGNORECASE)
_QUERY: Final = re.compile(r"[?#].*")
_TRAILING: Final = re.compile(r"[.,;:!?)\]}'*_]+$")
_PORT: Final = re.compile(r":(\d{1,5})(?=/|$)")
_MAIL: Final = re.compile(
    r"(?<![A-Za-z0-9_.+-])(?:mailto:)?([A-Za-z0-9_.+-]{1,64})"
    r"@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
)
_SIGN: Final = re.compile(r"[./_+~-]")


def address_rules(signs: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules for mail and pages.

    Args:
        signs: What is said for ``. / - _ + ~``, for ``@``, and for ``:`` before a port.
    """

    def spelled(text: str) -> str:
        return _SIGN.sub(lambda sign: f" {signs[sign.group()]} ", text)

    def mail(match: Match) -> str:
        # A full stop after the address belongs to the sentence.
        return f"{spelled(match.group(1))} {signs['@']} {spelled(match.group(2))}"

    def page(match: Match) -> str:
        whole = match.group()
        trailing = _TRAILING.search(whole)
        end = trailing.group() if trailing else ""
        plain = _QUERY.sub("", _SCHEME.sub("", whole.removesuffix(end))).rstrip("/")
        return spelled(_PORT.sub(rf" {signs[':']} \1", plain)) + end

    return (Rule(Form.ADDRESS, _MAIL, mail), Rule(Form.ADDRESS, _ADDRESS, page))
