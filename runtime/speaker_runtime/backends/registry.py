"""Finds backends by name: entry points in the group ``speaker_tts.backends``."""

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # who only asks for names does without numpy
    from speaker_runtime.backends.protocol import BackendFactory
    from speaker_runtime.models.recipe import Recipe

GROUP: Final = "speaker_tts.backends"
RECIPES: Final = "speaker_tts.recipes"
"""Its entry points are named like the backends whose models they make."""


class UnknownBackendError(Exception):
    """The configuration names a backend that is not installed."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no backend named {name!r}; installed: {', '.join(known) or 'none'}")
        self.name = name
        self.known = known


def available() -> tuple[str, ...]:
    """Names of all installed backends."""
    return tuple(sorted(entry_points(group=GROUP).names))


def find(name: str) -> EntryPoint:
    """The entry point of the backend ``name``, not yet imported.

    Raises:
        UnknownBackendError: It is not installed.
    """
    matches = entry_points(group=GROUP, name=name)
    if not matches:
        raise UnknownBackendError(name, available())
    return next(iter(matches))


def load(name: str) -> "BackendFactory":
    """Import the backend ``name``.

    Raises:
        UnknownBackendError: It is not installed.
    """
    factory: BackendFactory = find(name).load()
    return factory


def recipe(name: str) -> "Recipe | None":
    """What the backend ``name`` makes of published files; None if it loads them as they are.

    The backend itself is not imported.

    Raises:
        UnknownBackendError: It is not installed.
    """
    find(name)
    for point in entry_points(group=RECIPES, name=name):
        made: Recipe = point.load()()
        return made
    return None
