"""A stand-in for ``python:3.11-slim-bookworm`` where no image registry can be reached.

Debian's own Python on a minimal Debian, made by debootstrap into buildah's store. Its tag is the
month, so it is renewed with the next month's first build.
"""

import datetime
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from cluster.commands import run
from cluster.config import Config
from cluster.mounts import remove_tree
from cluster.progress import step

UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt")
UNUSED_CONTENT = ("var/lib/apt/lists", "var/log", "tmp")
"""Emptied, but kept: programs expect these folders."""


def base_tag(config: Config, today: datetime.date) -> str:
    """The base's name in the month of ``today``."""
    return f"{config.images.base}:{config.images.base_suite}-{today:%Y-%m}"


def make_base(config: Config, tag: str, scratch: Path, buildah: Callable[..., str]) -> None:
    """Make the base and commit it under ``tag``.

    Args:
        config: Suite, packages and time-outs.
        tag: Name of the new image.
        scratch: Folder for the tree; removed before and after.
        buildah: Runs buildah on its store with these arguments.
    """
    remove_tree(scratch)  # an interrupted debootstrap leaves mounts behind
    root = scratch / "root"
    include = ",".join(config.images.base_packages)
    with step(f"base image {tag} (once a month)"):
        words = ["--variant=minbase", f"--include={include}", config.images.base_suite, str(root)]
        run(["debootstrap", *words], timeout=config.timeouts.image)
        shrink(root)
        archive = scratch / "root.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(root, arcname=".")
        container = buildah("from", "scratch").strip()
        try:
            buildah("add", container, str(archive), "/")
            buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
            buildah("commit", container, tag)
        finally:
            buildah("rm", container)
    remove_tree(scratch)


def shrink(root: Path) -> None:
    """Remove from a Debian tree what no container needs."""
    for name in UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in UNUSED_CONTENT:
        for entry in (root / name).iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
