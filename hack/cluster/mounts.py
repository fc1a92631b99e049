"""Mount points below a folder: seen, and detached before the folder is removed."""

import shutil
import subprocess
import time
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError

DISCARDED = ".discarded-"
MOUNT_TABLE = Path("/proc/self/mountinfo")


def mounted() -> list[str]:
    """Every mount point that this process sees."""
    return parse_mounts(MOUNT_TABLE.read_text())


def parse_mounts(mountinfo: str) -> list[str]:
    """The mount points in ``/proc/self/mountinfo``, unescaped."""
    points = (line.split()[4] for line in mountinfo.splitlines())
    return [point.encode().decode("unicode_escape") for point in points]


def mounts_below(root: str, mounts: list[str]) -> list[str]:
    """Those at or below ``root``, the deepest first."""
    return sorted((m for m in mounts if is_below(m, root)), key=len, reverse=True)


def is_below(path: str, root: str) -> bool:
    """Whether a path is ``root`` or inside of it."""
    return path == root or path.startswith(f"{root}/")


def remove_tree(folder: Path) -> None:
    """Detach what is mounted below a folder, then remove it; nothing happens if there is none.

    Raises:
        ClusterError: Something stays mounted; nothing was removed.
    """
    if folder.exists():
        detach_below(folder)
        shutil.rmtree(folder)


def discard_tree(folder: Path) -> None:
    """Like ``remove_tree``, but the name is free at once: the content goes in the background.

    A disk may take most of a minute for the layers of a few images. What a killed background
    removal leaves goes with the next one.

    Raises:
        ClusterError: Something stays mounted; nothing was removed.
    """
    detach_below(folder)
    folder.rename(folder.with_name(f"{folder.name}{DISCARDED}{time.time_ns()}"))
    discarded = map(str, folder.parent.glob(f"{folder.name}{DISCARDED}*"))
    subprocess.Popen(["rm", "-rf", "--one-file-system", *discarded], start_new_session=True)


def detach_below(folder: Path) -> None:
    """Detach everything that is mounted at or below a folder.

    Raises:
        ClusterError: Something stays mounted.
    """
    root = str(folder.resolve())
    for mount in mounts_below(root, mounted()):
        run(["umount", "--lazy", mount])
    if busy := mounts_below(root, mounted()):
        raise ClusterError(f"{busy[0]} is still mounted: `umount {busy[0]}`, then try again")
