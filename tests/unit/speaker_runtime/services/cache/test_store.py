"""A near store in front of a far one."""

from pathlib import Path

import pytest

from speaker_runtime.services.cache.disk import DiskStore
from speaker_runtime.services.cache.store import Tiers
from tests.unit.speaker_runtime.services.cache.counting import Counted, key

LIMIT = 1024 * 1024


@pytest.fixture
def near(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "near", LIMIT, Counted().metrics)


@pytest.fixture
def far(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "far", LIMIT, Counted().metrics)


def test_what_is_put_is_in_both(near: DiskStore, far: DiskStore) -> None:
    Tiers(near, far).put(key(1), b"spoken")
    assert near.get(key(1)) == far.get(key(1)) == b"spoken"


def test_what_only_the_far_one_knows_comes_nearer(near: DiskStore, far: DiskStore) -> None:
    far.put(key(1), b"spoken")
    tiers = Tiers(near, far)
    assert tiers.get(key(1)) == b"spoken"
    assert near.get(key(1)) == b"spoken"
    assert tiers.size() == near.size()
    assert tiers.get(key(2)) is None


def test_what_either_of_them_knows_is_known(near: DiskStore, far: DiskStore) -> None:
    near.put(key(1), b"spoken")
    far.put(key(2), b"spoken")
    assert Tiers(near, far).known([key(1), key(2), key(3)]) == {key(1), key(2)}


def test_what_is_removed_is_in_neither(near: DiskStore, far: DiskStore) -> None:
    tiers = Tiers(near, far)
    tiers.put(key(1), b"spoken")
    tiers.remove(key(1))
    assert near.get(key(1)) is None
    assert far.get(key(1)) is None
