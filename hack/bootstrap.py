"""Make the project's virtual environment, or say in one sentence what the machine lacks.

Usage: ``python3 hack/bootstrap.py DIRECTORY``, with the system's Python.
"""

import sys
import venv
from pathlib import Path

MINIMUM = (3, 11)


def main() -> None:
    """Create the environment named by the first argument, with pip in it."""
    if sys.version_info < MINIMUM:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Python 3.11 or newer is needed, this is {found}: make PYTHON=python3.12 …")
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian ships it apart from Python
    except ImportError:
        sys.exit("Python's ensurepip is missing: apt-get install python3-venv")
    venv.create(Path(sys.argv[1]), with_pip=True)


if __name__ == "__main__":
    main()
