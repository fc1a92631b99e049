"""What a person at a terminal sees of a fetch."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from speaker_runtime.cli.progress import terminal
from speaker_runtime.models import manifest as manifests
from speaker_runtime.models.fetching import Fetched
from speaker_runtime.models.sources.base import Progress
from speaker_runtime.models.store import StoredModel


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(screen: io.StringIO) -> Console:
    return Console(file=screen, force_terminal=True, width=120, color_system=None)


def fetched(copied: int) -> Fetched:
    manifest = manifests.build("https://models.example/kokoro", [])
    return Fetched(StoredModel(Path("/cache/model"), manifest), copied)


def test_a_bar_shows_the_file_and_how_much_has_come(console: Console, screen: io.StringIO) -> None:
    with terminal(console) as to:
        to.progress(Progress("part[1].bin", 1 << 20, 4 << 20))
        to.progress(Progress("part[1].bin", 2 << 20, 4 << 20))
    assert "part[1].bin" in screen.getvalue()
    assert "2.0/4.0 MiB" in screen.getvalue()


def test_a_file_of_unknown_size_is_shown_too(console: Console, screen: io.StringIO) -> None:
    with terminal(console) as to:
        to.progress(Progress("voices.tgz", 3 << 20, None))
    assert "3.0/? MiB" in screen.getvalue()


@pytest.mark.parametrize(("copied", "verb"), [(5, "fetched into"), (0, "is already in")])
def test_the_end_says_what_lies_where(
    console: Console, screen: io.StringIO, copied: int, verb: str
) -> None:
    with terminal(console) as to:
        to.done(fetched(copied))
    assert f"https://models.example/kokoro {verb} /cache/model" in screen.getvalue()
