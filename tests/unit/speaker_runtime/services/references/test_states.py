"""What is kept of references: whole, bounded, and nothing that a damaged file could do."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from speaker_runtime.services.references.states import MissingStateError, NoRoomError, StateStore

LIMIT = 50_000
KEYS = tuple(f"{number:064x}" for number in range(6))


def clone(seed: int = 0, size: int = 4000) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return {"latents": drawn, "speaker": np.arange(3)}


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path, LIMIT)


def test_a_state_survives_the_process(store: StateStore, tmp_path: Path) -> None:
    store.put(KEYS[0], clone())
    again = StateStore(tmp_path, LIMIT)
    assert again.has(KEYS[0])
    found = again.get(KEYS[0])
    assert found.keys() == clone().keys()
    assert all(np.array_equal(found[name], array) for name, array in clone().items())


def test_a_state_cannot_be_changed(store: StateStore) -> None:
    store.put(KEYS[0], clone())
    with pytest.raises(ValueError, match="read-only"):
        store.get(KEYS[0])["speaker"][0] = 7


def test_what_no_voice_needs_makes_room_the_longest_unused_first(store: StateStore) -> None:
    for key in KEYS[:3]:
        store.put(key, clone())
    store.put(KEYS[3], clone())
    assert [store.has(key) for key in KEYS[:4]] == [False, True, True, True]


def test_states_of_declared_voices_are_never_removed(store: StateStore) -> None:
    for key in KEYS[:3]:
        store.put(key, clone())
    store.keep(frozenset(KEYS[:3]))
    with pytest.raises(NoRoomError, match="bytes belong to other voices"):
        store.put(KEYS[3], clone())
    store.keep(frozenset(KEYS[1:3]))
    store.put(KEYS[3], clone())
    assert [store.has(key) for key in KEYS[:4]] == [False, True, True, True]


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, ("exploded",))


@pytest.mark.parametrize(
    "content", [b"", b"half", pickle.dumps(Bomb()), b"speaker-tts clone 1\n" + bytes(64)]
)
def test_a_damaged_file_is_removed_and_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEYS[0]).write_bytes(content)
    store = StateStore(tmp_path, LIMIT)
    assert store.has(KEYS[0])
    with pytest.raises(MissingStateError):
        store.get(KEYS[0])
    assert not store.has(KEYS[0])
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_bit_is_noticed(store: StateStore, tmp_path: Path) -> None:
    store.put(KEYS[0], clone())
    content = bytearray((tmp_path / KEYS[0]).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / KEYS[0]).write_bytes(content)
    with pytest.raises(MissingStateError):
        StateStore(tmp_path, LIMIT).get(KEYS[0])


def test_leftovers_of_a_killed_process_and_strange_files(tmp_path: Path) -> None:
    (tmp_path / "half.tmp").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    StateStore(tmp_path, LIMIT)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]
