"""States of voices, within a bound."""

from collections import OrderedDict
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.voices.states import VoiceStates

LIMIT = 10


def states() -> VoiceStates[bytes]:
    return VoiceStates(LIMIT, len)


def test_a_state_is_made_once() -> None:
    held = states()
    made = [held.get("ana", lambda: bytes(3)) for _ in range(3)]
    assert made[0] is made[1] is made[2]
    assert held.bytes == 3


def test_a_state_above_the_bound_is_made_and_not_kept() -> None:
    held = states()
    assert held.get("ana", lambda: bytes(LIMIT + 1)) == bytes(LIMIT + 1)
    assert held.bytes == 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, LIMIT + 2)), max_size=30))
def test_the_bound_holds_and_what_was_used_longest_ago_goes(asked: list[tuple[str, int]]) -> None:
    held, expected = states(), OrderedDict[str, bytes]()
    for voice, size in asked:
        made = held.get(voice, partial(bytes, size))
        if voice in expected:
            assert made is expected[voice]
            expected.move_to_end(voice)
        elif size <= LIMIT:
            while sum(map(len, expected.values())) + size > LIMIT:
                expected.popitem(last=False)
            expected[voice] = made
        assert held.bytes == sum(map(len, expected.values())) <= LIMIT
