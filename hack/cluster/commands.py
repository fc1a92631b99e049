"""Run short commands; a failure carries what the command said."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.errors import CommandFailed, Timeout, Unavailable

TIMEOUT = 60.0


def run(
    argv: Sequence[str | Path],
    *,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = TIMEOUT,
) -> str:
    """Run a command and return its standard output.

    Args:
        argv: The command and its arguments.
        text: Sent to its standard input; without it the input is empty.
        env: Variables on top of this process's own.
        cwd: Directory to run in.
        timeout: Seconds until the command is killed.

    Raises:
        CommandFailed: Its exit status was not 0.
        Timeout: It ran longer than ``timeout``.
        Unavailable: There is no such command, or this user may not run it.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=text or "",
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
        )
    except (FileNotFoundError, PermissionError) as error:
        raise Unavailable(
            f"`{words[0]}` can't be run here; `python3 -m cluster doctor` says what to install"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Timeout(f"`{' '.join(words[:8])}` ran longer than {timeout:g} s") from error
    if done.returncode:
        raise CommandFailed(words, done.returncode, done.stderr or done.stdout)
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, timeout: float = TIMEOUT) -> bool:
    """Whether a command exists and ends with status 0."""
    try:
        run(argv, timeout=timeout)
    except (CommandFailed, Unavailable, Timeout):
        return False
    return True
