"""``python -m generate`` writes every generated file; ``--check`` only says which are stale."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from generate import argocd, chart, crds, dashboards, picture, reference, troubleshooting

ROOT: Final = Path(__file__).parents[2]
Generator = Callable[[Path], dict[Path, str]]
GENERATORS: Final[tuple[Generator, ...]] = (
    crds.files,
    chart.files,
    reference.files,
    picture.files,
    troubleshooting.files,
    argocd.files,
    dashboards.files,
)


def main() -> None:
    """Write what differs, or with ``--check`` end with 1 if anything does."""
    parser = argparse.ArgumentParser(prog="generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    only_check: bool = parser.parse_args().check
    stale = {
        path: text
        for generator in GENERATORS
        for path, text in generator(ROOT).items()
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if only_check:
            print(f"{path} is stale")
            continue
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    if only_check and stale:
        sys.exit("Generated files are not up to date: run `make generate` and commit.")


if __name__ == "__main__":
    main()
