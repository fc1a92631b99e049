"""The speakers that are built into a model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """One built-in speaker.

    Attributes:
        name: By which requests and voices ask for it.
        languages: BCP 47 tags of what it speaks, the main one first.
    """

    name: str
    languages: tuple[str, ...]
