"""What can go wrong, as types; each message says what happened and what to do next."""

from collections.abc import Sequence
from pathlib import Path


class ClusterError(Exception):
    """Anything that this tool reports as one sentence instead of a traceback."""


class ConfigError(ClusterError):
    """``config.toml`` holds something that it must not, or lacks something."""


class Unavailable(ClusterError):
    """This machine lacks a prerequisite; tests turn it into a skip."""


class Timeout(ClusterError):
    """A condition did not come true in its time."""


class CommandFailed(ClusterError):
    """A command ended with an exit status other than 0.

    Attributes:
        status: The exit status.
        stderr: What the command wrote to its standard error.
    """

    def __init__(self, argv: Sequence[str], status: int, stderr: str) -> None:
        self.status = status
        self.stderr = stderr
        shown = " ".join(argv[:8]) + (" …" if len(argv) > 8 else "")  # noqa: PLR2004
        super().__init__(f"`{shown}` ended with status {status}:\n{stderr.strip()[-4000:]}")


class ComponentFailed(ClusterError):
    """A long-running process ended, or never answered."""

    def __init__(self, name: str, what: str, log: Path, tail: str) -> None:
        super().__init__(
            f"{name} {what}. The last lines of {log}:\n{tail}\n"
            f"`python3 -m cluster down` cleans up; then try again."
        )
