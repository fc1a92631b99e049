"""Folders are emptied of mounts, then removed."""

from pathlib import Path

from cluster.mounts import discard_tree, mounts_below, parse_mounts, remove_tree
from cluster.waiting import until

REMOVAL_TIMEOUT = 10


def tree(folder: Path) -> Path:
    (folder / "state" / "layers").mkdir(parents=True)
    (folder / "state" / "layers" / "file").touch()
    return folder / "state"


def test_mounts_are_read_with_their_spaces() -> None:
    line = r"36 35 98:0 /mnt1 /a\040b/c rw,noatime master:1 - ext3 /dev/root rw"
    assert parse_mounts(line) == ["/a b/c"]


def test_the_deepest_mount_is_detached_first() -> None:
    mounts = ["/state/a", "/state/a/b/c", "/state", "/state-of-another", "/state/a/b"]
    assert mounts_below("/state", mounts) == ["/state/a/b/c", "/state/a/b", "/state/a", "/state"]


def test_a_removed_folder_is_gone(tmp_path: Path) -> None:
    remove_tree(tree(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_not_there_is_fine(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")


def test_the_name_of_a_discarded_folder_is_free_at_once(tmp_path: Path) -> None:
    state = tree(tmp_path)
    discard_tree(state)
    state.mkdir()


def test_a_discarded_folder_and_what_an_earlier_run_left_of_one_go(tmp_path: Path) -> None:
    (tmp_path / "state.discarded-1").mkdir()
    discard_tree(tree(tmp_path))
    until(
        lambda: not list(tmp_path.iterdir()),
        what="the removal of discarded folders",
        timeout=REMOVAL_TIMEOUT,
    )
