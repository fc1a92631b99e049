"""Words for programs that explain themselves to people."""

from enum import Enum, StrEnum
from typing import NamedTuple, Self


class Standing(Enum):
    """What a reason says of its object, for whoever has to judge it by one word."""

    GOOD = "good"
    """It is as declared."""
    PASSING = "passing"
    """It is on its way there, and nobody needs to do anything."""
    AT_REST = "at_rest"
    """It does nothing, because that is what was declared."""
    WRONG = "wrong"
    """Somebody has to do something."""


class Entry(NamedTuple):
    """A word for programs, its standing, and its meaning and remedy for people."""

    word: str
    standing: Standing
    meaning: str
    remedy: str


def good(word: str, meaning: str, remedy: str = "do nothing") -> Entry:
    """Where all is as declared."""
    return Entry(word, Standing.GOOD, meaning, remedy)


def passing(word: str, meaning: str, remedy: str = "wait") -> Entry:
    """Where nobody needs to do anything."""
    return Entry(word, Standing.PASSING, meaning, remedy)


def at_rest(word: str, meaning: str, remedy: str) -> Entry:
    """Where nothing is done, as declared."""
    return Entry(word, Standing.AT_REST, meaning, remedy)


def wrong(word: str, meaning: str, remedy: str) -> Entry:
    """Where somebody has to do something."""
    return Entry(word, Standing.WRONG, meaning, remedy)


class Explained(StrEnum):
    """Words with their standing, meaning and remedy; its members are made of entries.

    A remedy is an imperative without a full stop: it follows a semicolon in messages.
    """

    standing: Standing
    meaning: str
    remedy: str

    def __new__(cls, word: str, standing: Standing, meaning: str, remedy: str) -> Self:
        """Make a member of an entry, which has all four."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.standing, member.meaning, member.remedy = standing, meaning, remedy
        return member

    def told(self, message: str) -> str:
        """The message, with the remedy unless it has it already, where something is wrong."""
        if self.standing is not Standing.WRONG or self.remedy in message:
            return message
        return f"{message.rstrip('. ')}; {self.remedy}"
