"""Utterances and answers as bytes, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.audio.pipeline import Mark
from speaker_runtime.services.cache.entries import (
    Answer,
    DamagedEntryError,
    Heard,
    KeptPiece,
    Utterance,
    read_answer,
    read_utterance,
    write_answer,
    write_utterance,
)
from tests.unit.speaker_runtime.services.cache.counting import key

KEY = key(1)
UTTERANCE = Utterance((np.array([0, 1, -32768], np.int16), np.array([32767], np.int16)))
ANSWER = Answer(
    (
        KeptPiece(b"first", 0.5, (Mark("start", 0.0), Heard(0, 0.0, None))),
        KeptPiece(b"", 0.75, ()),
        KeptPiece(b"second", 2.0, (Heard(0, 0.0, 1.25), Mark("é", 1.25), Heard(1, 1.25, 2.0))),
    )
)


def same(one: Utterance, other: Utterance) -> bool:
    return [c.tolist() for c in one.chunks] == [c.tolist() for c in other.chunks]


def test_an_utterance_comes_back_in_the_same_chunks() -> None:
    back = read_utterance(KEY, write_utterance(KEY, UTTERANCE))
    assert same(back, UTTERANCE)
    assert all(chunk.dtype == np.int16 for chunk in back.chunks)


def test_an_answer_comes_back_in_the_same_pieces_with_its_cues() -> None:
    assert read_answer(KEY, write_answer(KEY, ANSWER)) == ANSWER


Chunks = st.lists(st.lists(st.integers(-32768, 32767), max_size=20), min_size=1, max_size=5)


@given(chunks=Chunks)
def test_any_utterance_comes_back(chunks: list[list[int]]) -> None:
    given_one = Utterance(tuple(np.array(c, np.int16) for c in chunks))
    assert same(read_utterance(KEY, write_utterance(KEY, given_one)), given_one)


def test_the_entry_of_another_key_is_refused() -> None:
    with pytest.raises(DamagedEntryError, match="another key"):
        read_utterance(key(2), write_utterance(KEY, UTTERANCE))


def test_an_entry_of_another_kind_is_refused() -> None:
    with pytest.raises(DamagedEntryError, match="header"):
        read_utterance(KEY, write_answer(KEY, ANSWER))


def test_an_utterance_without_chunks_is_refused() -> None:
    with pytest.raises(DamagedEntryError, match="no chunks"):
        read_utterance(KEY, write_utterance(KEY, Utterance(())))


@pytest.mark.parametrize(
    "foreign", [b"", b"{}", b"\x80\x04pickled....", b"STC1\xff\xff\xff\xff", b"STC0\x02\0\0\0{}"]
)
def test_something_else_is_refused(foreign: bytes) -> None:
    with pytest.raises(DamagedEntryError):
        read_answer(KEY, foreign)


@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    whole = bytearray(write_utterance(KEY, UTTERANCE))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedEntryError):
        read_utterance(KEY, bytes(whole))


@given(end=st.integers(0, 200))
def test_a_shortened_entry_is_refused(end: int) -> None:
    whole = write_answer(KEY, ANSWER)
    with pytest.raises(DamagedEntryError):
        read_answer(KEY, whole[: min(end, len(whole) - 1)])
