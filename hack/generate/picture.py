"""docs/architecture.svg, drawn by Graphviz from docs/architecture.dot.

Another version of Graphviz, or other fonts, draw the same picture in other bytes. So the picture
carries the digest of its source, and is drawn again only when the source has changed.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

SOURCE: Final = Path("docs/architecture.dot")
PICTURE: Final = Path("docs/architecture.svg")
DRAW_TIMEOUT: Final = 30


def files(root: Path) -> dict[Path, str]:
    """Give the picture as it is if its source has not changed, else draw it."""
    source = (root / SOURCE).read_text(encoding="utf-8")
    mark = f"<!-- source sha256:{hashlib.sha256(source.encode()).hexdigest()} -->"
    if (root / PICTURE).exists():
        drawn = (root / PICTURE).read_text(encoding="utf-8")
        if mark in drawn:
            return {PICTURE: drawn}
    return {PICTURE: f"{_draw(source).rstrip()}\n{mark}\n"}


def _draw(source: str) -> str:
    dot = shutil.which("dot")
    if dot is None:
        sys.exit(f"{SOURCE} has changed, and Graphviz draws it: apt-get install graphviz")
    drawn = subprocess.run(
        [dot, "-Tsvg"],
        input=source,
        capture_output=True,
        text=True,
        timeout=DRAW_TIMEOUT,
        check=True,
    )
    return drawn.stdout
