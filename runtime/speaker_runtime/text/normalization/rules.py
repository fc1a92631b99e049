"""The rules of a language, made from its grammar, in the order in which they apply."""

import re
from abc import ABC, abstractmethod
from typing import Final

from speaker_runtime.text.normalization.addresses import address_rules
from speaker_runtime.text.normalization.forms import Form, Match, Rule, either
from speaker_runtime.text.normalization.grammar import Figure, Grammar

_FRACTION_SIGNS: Final = {
    "\u00bd": (1, 2),
    "\u2153": (1, 3),
    "\u2154": (2, 3),
    "\u00bc": (1, 4),
    "\u00be": (3, 4),
    "\u2155": (1, 5),
    "\u215b": (1, 8),
}
_PHONE: Final = re.compile(r"(?<![\w+])\+(\d(?:[ ()/-]{0,2}\d){6,14})(?!\w)")
_DOTTED: Final = re.compile(
    r"(?<![A-Za-z0-9_.])([vV])?(\d{1,5}(?:\.\d{1,5}){2,7})(?!\.?[A-Za-z0-9_])"
)
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_PARTS_OF_AN_IP_ADDRESS: Final = 4
_RANGE: Final = re.compile(
    r"(?<![\w.,:/-])(\d{1,4})(?: ?([\u2013~\u301c\uff5e]) ?|-)(\d{1,4})(?![\d-])(?![.,:/]\d)"
)


def rules(grammar: Grammar) -> tuple[Rule, ...]:
    """Every rule of a language: an address holds what later rules would take for numbers."""
    return (
        *address_rules(grammar.address_signs),
        Rule(Form.PHONE, _PHONE, _Phones(grammar)),
        *grammar.own_rules(),
        *_abbreviations(grammar),
        *grammar.dates_and_times(),
        Rule(Form.VERSION, _DOTTED, _Versions(grammar)),
        Rule(Form.NUMBER, _RANGE, _Ranges(grammar)),
        *_fractions(grammar),
        *_amounts(grammar),
        *_signs(grammar),
        Rule(Form.NUMBER, re.compile(_number(grammar, "n", sign=True)), _Numbers(grammar)),
    )


def _number(grammar: Grammar, name: str, *, sign: bool) -> str:
    """A pattern for a number, with groups called ``name`` and a letter."""
    groups, decimal = re.escape(grammar.group_signs), re.escape(grammar.decimal_signs)
    minus = rf"(?P<{name}m>(?<![^\s(\[\u3000-\u9fff])[-\u2212])?" if sign else ""
    return (
        rf"{minus}(?<![0-9])(?P<{name}i>[0-9]{{1,3}}(?:[{groups}][0-9]{{3}})+(?![0-9])|[0-9]+)"
        rf"(?:[{decimal}](?P<{name}d>[0-9]+))?"
    )


def _figure(match: Match, name: str) -> Figure:
    found = match.groupdict()
    return Figure(
        digits="".join(filter(str.isdecimal, found[f"{name}i"])),
        decimals=found[f"{name}d"] or "",
        negative=bool(found.get(f"{name}m")),
    )


class _Sayer(ABC):
    """Says a match in words, apart from the words beside it."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def __call__(self, match: Match) -> str:
        said = self.say(match)
        if not self._grammar.space:
            return said
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
        return f"{' ' if before.isalnum() else ''}{said}{' ' if after.isalnum() else ''}"

    @abstractmethod
    def say(self, match: Match) -> str:
        """The words of the match."""


class _Numbers(_Sayer):
    def say(self, match: Match) -> str:
        return self._grammar.number(_figure(match, "n"))


class _Phones(_Sayer):
    def say(self, match: Match) -> str:
        groups = re.split(r"[ ()/-]+", match.group(1))
        said = ", ".join(self._grammar.digit_by_digit(group) for group in groups if group)
        return f"{self._grammar.plus} {said}"


class _Versions(_Sayer):
    def say(self, match: Match) -> str:
        grammar = self._grammar
        if "." in grammar.group_signs and _GROUPED.fullmatch(match.group()):
            return match.group()
        letter, parts = match.group(1) or "", match.group(2).split(".")
        is_address = not letter and len(parts) == _PARTS_OF_AN_IP_ADDRESS
        space = grammar.space
        between = f"{space}{grammar.dot if is_address else grammar.point}{space}"
        said = between.join(grammar.whole(part) for part in parts)
        return f"{letter} {said}" if letter else said


class _Ranges(_Sayer):
    def say(self, match: Match) -> str:
        first, sign, last = match.groups()
        if sign is None and int(first) >= int(last):
            return match.group()
        space = self._grammar.space
        return f"{first}{space}{self._grammar.until}{space}{last}"


class _Fractions(_Sayer):
    def say(self, match: Match) -> str:
        whole, sign, over, under = match.groups()
        parts = _FRACTION_SIGNS[sign] if sign else (int(over), int(under))
        return self._grammar.fraction(int(whole) if whole else 0, parts)


class _Units(_Sayer):
    def say(self, match: Match) -> str:
        noun = self._grammar.units[match.group("unit")]
        return self._grammar.counted(_figure(match, "n"), noun)


class _Money(_Sayer):
    def say(self, match: Match) -> str:
        grammar = self._grammar
        found = match.groupdict()
        side = "a" if found["ai"] else "b"
        currency = grammar.currencies[found[f"{side}c"]]
        figure = _figure(match, side)
        scale = found.get(f"{side}s")
        if scale:
            return grammar.scaled(figure, grammar.scales[scale], currency.whole)
        return grammar.money(figure, currency)


def _amounts(grammar: Grammar) -> tuple[Rule, ...]:
    money = either(*grammar.currencies)
    scale = either(*grammar.scales) if grammar.scales else r"(?!)"
    before = _number(grammar, "a", sign=False)
    after = _number(grammar, "b", sign=True)
    end = r"(?![A-Za-z0-9_\u00c0-\u024f])"
    return (
        Rule(
            Form.MONEY,
            re.compile(
                rf"(?<![A-Za-z])(?P<am>(?<!\S)[-\u2212])?(?P<ac>{money})\s?{before}(?:\s?(?P<as>{scale}){end})?"
                rf"|{after}(?:\s?(?P<bs>{scale}))?\s?(?P<bc>{money}){end}"
            ),
            _Money(grammar),
        ),
        Rule(
            Form.UNIT,
            re.compile(
                rf"{_number(grammar, 'n', sign=True)}[ \u00a0\u202f]?"
                rf"(?P<unit>{either(*grammar.units)}){end}"
            ),
            _Units(grammar),
        ),
    )


def _fractions(grammar: Grammar) -> tuple[Rule, ...]:
    signs = "".join(_FRACTION_SIGNS)
    pairs = "|".join(f"{over}/{under}" for over, under in grammar.fractions)
    written = re.compile(
        rf"(?<![0-9/.,])(?:([0-9]{{1,6}}) ?)?"
        rf"(?:([{signs}])|(?=(?:{pairs})(?![0-9/]))([0-9])/([0-9]{{1,2}}))"
    )
    return (Rule(Form.FRACTION, written, _Fractions(grammar)),)


def _abbreviations(grammar: Grammar) -> tuple[Rule, ...]:
    if not grammar.abbreviations:
        return ()
    table = grammar.abbreviations
    return (
        Rule(
            Form.ABBREVIATION,
            re.compile(rf"(?<![\w.])(?:{either(*table)})(?!\w)"),
            lambda match: table[match.group()],
        ),
    )


def _signs(grammar: Grammar) -> tuple[Rule, ...]:
    def say(match: Match) -> str:
        return f"{grammar.space}{grammar.signs[match.group().strip()]}{grammar.space}"

    return (Rule(Form.SIGN, re.compile(rf" ?(?:{either(*grammar.signs)}) ?"), say),)
