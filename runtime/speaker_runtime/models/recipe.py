"""What a backend makes of a published model's files while they are fetched."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

Blocks: TypeAlias = Callable[[], Iterator[bytes]]
"""Gives a file's content, from its beginning each time."""


@dataclass(frozen=True)
class Elsewhere:
    """A file that the model needs and another one has.

    Attributes:
        source: Where that model comes from.
        name: The file's path there.
    """

    source: str
    name: str


@dataclass(frozen=True)
class Selection:
    """What is fetched of what is published.

    Attributes:
        names: The files' paths, in the order in which they are best looked at.
        finished: Whether the backend loads them as they are.
        elsewhere: What comes from other models, by the path that it gets; nothing if finished.
    """

    names: tuple[str, ...]
    finished: bool
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)


class Recipe(Protocol):
    """What an entry point in the group ``speaker_tts.recipes`` names, under its backend's name.

    Its module is imported before every fetch: what takes long to import is imported by the methods
    that need it.
    """

    @property
    def license(self) -> str | None:
        """Licence of these models, which has to be accepted by name wherever one comes from."""

    def select(self, names: Collection[str]) -> Selection:
        """Choose among the paths of all files; what was chosen is chosen again.

        Raises:
            ModelError: What the backend needs is not among them.
        """

    def check(self, directory: Path, name: str) -> None:
        """Look at a published file that has just come to lie in ``directory``.

        Raises:
            ModelError: No model of this backend begins like this; the other files are not fetched.
        """

    def make(self, directory: Path) -> Mapping[str, Blocks]:
        """Make the files that the backend loads, by their paths, of the published ones.

        Equal files give equal bytes, in every later version as well: what is damaged is made anew
        and compared with what was there.

        Raises:
            ModelError: The published files are damaged, or no model of this backend.
        """
