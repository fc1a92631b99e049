"""docs/reference: every field, option, error and metric, from the code that defines it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from generate.reference import cli, errors, metrics, resources, ssml, websocket

DIRECTORY: Final = Path("docs/reference")
PAGES: Final[dict[str, Callable[[], str]]] = {
    "resources.md": resources.page,
    "cli.md": cli.page,
    "errors.md": errors.page,
    "metrics.md": metrics.page,
    "ssml.md": ssml.page,
    "websocket.md": websocket.page,
}


def files(_root: Path) -> dict[Path, str]:
    """Give each page of the reference."""
    return {DIRECTORY / name: page() for name, page in PAGES.items()}
