"""What a frame may see, and what is sent of a waveform that is made anew with each chunk."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speaker_runtime.backends.glm_tts.streaming import Overlap, blocks_of, chunk_codes, reach

RATES = ((24000, 480), (32000, 640))


def reach_by_hand(blocks: Sequence[int], frames: int) -> list[int]:
    sizes = [math.floor(n / 12.5 * 22050 / 256) for n in blocks]
    found: list[int] = []
    begin, number = 0, 0
    while len(found) < frames:
        z = sizes[min(number, len(sizes) - 1)]
        m = z // 2 if z <= 172 else math.floor(z / 1.5)
        for i in range(begin, begin + z):
            d = max(0, m - (begin + z - 1 - i))
            found.append(min(frames, begin + z + d))
        begin, number = begin + z, number + 1
    return found[:frames]


@settings(max_examples=60, deadline=None)
@given(blocks=st.lists(st.integers(1, 220), min_size=1, max_size=5), frames=st.integers(0, 4000))
def test_every_frame_sees_what_the_formula_says(blocks: list[int], frames: int) -> None:
    assert reach(blocks, frames).tolist() == reach_by_hand(blocks, frames)


def test_blocks_are_measured_in_frames_of_an_older_model() -> None:
    # Of a block of 172 frames, the last sees half a block ahead and the middle nothing.
    one = reach([25], 1000)
    assert one[0] == one[85] == 172
    assert one[171:173].tolist() == [172 + 86, 344]
    # Wider ones look two thirds ahead.
    assert reach([50], 1000)[343] == 344 + 229
    # With a usual prompt, the mask hides nothing for long.
    assert blocks_of(137) == (137, 25, 50, 200)
    assert reach(blocks_of(137), 944).tolist() == [944] * 944
    assert blocks_of(137, literal=True) == (1, 25, 50, 200)
    assert reach(blocks_of(137, literal=True), 944)[0] == 6
    assert [chunk_codes(number) for number in range(5)] == [25, 50, 200, 200, 200]


def test_blocks_without_a_frame_are_no_blocks() -> None:
    assert torch.equal(reach([0, 25], 300), reach([25], 300))
    with pytest.raises(ValueError, match="at least one"):
        reach([0], 5)


@pytest.mark.parametrize(
    ("rate", "hop", "over", "back"),
    [
        (24000, 480, (13919, 26400, 98399), (11520, 24000, 96000)),
        (32000, 640, (18560, 35200, 131200), (15360, 32000, 128000)),
    ],
)
@pytest.mark.parametrize("literal", [False, True])
def test_what_is_held_back_is_as_long_as_intended(
    rate: int, hop: int, over: tuple[int, ...], back: tuple[int, ...], *, literal: bool
) -> None:
    overlap = Overlap(rate, hop, prompt_frames=273, literal=literal)
    made = 0
    for number in range(4):
        made += chunk_codes(number) * 2 * hop
        wave = torch.zeros(made)
        before = overlap.sent

        heard = overlap.push(wave, last=False)

        at = min(number, 2)
        assert len(heard) == made - before - over[at]
        assert overlap.sent == made - over[at]
        assert overlap.tail is not None
        assert len(overlap.tail) == over[at] - back[at]
        look = (12, 25, 100)[at] / 25
        prompt = 1 if literal else 273
        assert overlap.kept_frames == prompt + math.floor((made / rate - look) * rate / hop) + 1
    rest = overlap.push(torch.zeros(made + 5), last=True)
    assert len(rest) == over[2] + 5


@pytest.mark.parametrize(("rate", "hop"), RATES)
@settings(max_examples=15, deadline=None)
@given(last=st.integers(1, 300), chunks=st.integers(0, 4))
def test_a_waveform_that_never_changes_is_sent_as_it_is(
    rate: int, hop: int, last: int, chunks: int
) -> None:
    codes = [chunk_codes(number) for number in range(chunks)]
    wave = torch.from_numpy(
        np.random.default_rng(0).normal(size=(sum(codes) + last) * 2 * hop).astype(np.float32)
    )
    overlap, sent, made = Overlap(rate, hop, 100), [], 0
    for count in codes:
        made += count * 2 * hop
        sent.append(overlap.push(wave[:made], last=False))
    sent.append(overlap.push(wave, last=True))

    torch.testing.assert_close(torch.cat(sent), wave, rtol=0, atol=1e-6)


def test_a_changed_waveform_fades_in_over_the_tail_of_the_one_before() -> None:
    overlap = Overlap(24000, 480, 0)
    first = overlap.push(torch.ones(24000), last=False)
    second = overlap.push(torch.full((72000,), 3.0), last=True)

    assert len(first) + len(second) == 72000
    k = 13919 - 11520
    np.testing.assert_allclose(second[:k], 1 + 2 * np.linspace(0, 1, k), atol=1e-5)
    assert torch.all(second[k:] == 3.0)


def test_a_single_chunk_is_sent_whole() -> None:
    wave = torch.arange(100.0)
    assert torch.equal(Overlap(24000, 480, 7).push(wave, last=True), wave)


def test_a_chunk_shorter_than_what_is_held_back_sends_nothing_and_loses_nothing() -> None:
    overlap = Overlap(24000, 480, 7)
    wave = torch.arange(20000.0)
    assert len(overlap.push(wave[:10000], last=False)) == 0
    assert torch.equal(overlap.push(wave, last=True), wave)
