"""Attention of streams over their caches: right, and each stream as if it were alone."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from speaker_runtime.backends.pytorch.attention import Caches, Shape, next_piece

SHAPES = [
    Shape(layers=2, slots=8, heads=4, positions=200, width=16),
    Shape(layers=2, slots=8, heads=2, positions=200, width=16, groups=4),
]
LIKE = torch.zeros(1)
LENGTHS = [3, 63, 64, 65, 100, 127, 128, 199]
"""Positions that each stream has read, around the ends of blocks."""
TOLERANCE = 1e-5

Parts = tuple[Tensor, Tensor, Tensor]


@pytest.fixture(params=[1, 2, 3], ids=lambda count: f"{count} threads")
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many threads; three divide no number of heads here."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def drawn(shape: Shape, rows: int, seed: int) -> Parts:
    """Queries, keys and values of some rows."""
    generator = torch.Generator().manual_seed(seed)
    heads = shape.heads * shape.groups
    return (
        torch.randn(rows, heads, shape.width, generator=generator),
        torch.randn(rows, shape.heads, shape.width, generator=generator),
        torch.randn(rows, shape.heads, shape.width, generator=generator),
    )


def read(caches: Caches, shape: Shape, slot: int, length: int, seed: int) -> list[Tensor]:
    """Read the first positions of a stream in all layers; what they heard."""
    reading = caches.reading(slot, 0, length)
    return [
        reading.attend(layer, *drawn(shape, length, seed + layer)) for layer in range(shape.layers)
    ]


def stepped(
    caches: Caches, shape: Shape, slots: Sequence[int], streams: Sequence[int]
) -> list[Tensor]:
    """What the next position of some streams hears, in each layer."""
    step = caches.step(slots, [LENGTHS[stream] for stream in streams])
    heard = []
    for layer in range(shape.layers):
        parts = [drawn(shape, 1, 1000 + 10 * stream + layer) for stream in streams]
        rows = [step.rows(torch.cat(part)) for part in zip(*parts, strict=True)]
        heard.append(step.of_streams(step.attend(layer, *rows)))
    return heard


def expected(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """What the last position hears, by the formula, in float64."""
    groups = queries.shape[1] // keys.shape[1]
    keys, values = (each.double().repeat_interleave(groups, dim=1) for each in (keys, values))
    scores = torch.einsum("hw,phw->hp", queries[-1].double(), keys) / keys.shape[2] ** 0.5
    return torch.einsum("hp,phw->hw", scores.softmax(dim=1), values)


def all_of(shape: Shape, stream: int, layer: int) -> Parts:
    """Everything that a stream has said to a layer, its next position included."""
    before = drawn(shape, LENGTHS[stream], 100 * stream + layer)
    now = drawn(shape, 1, 1000 + 10 * stream + layer)
    queries, keys, values = (torch.cat(each) for each in zip(before, now, strict=True))
    return queries, keys, values


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("together", [False, True])
def test_each_stream_hears_all_of_its_own_past(shape: Shape, together: bool) -> None:
    caches, streams = Caches(shape, LIKE, together=together), range(shape.slots)
    for stream in streams:
        read(caches, shape, stream, LENGTHS[stream], 100 * stream)

    heard = stepped(caches, shape, streams, streams)

    for layer in range(shape.layers):
        for stream in streams:
            told = expected(*all_of(shape, stream, layer))
            torch.testing.assert_close(
                heard[layer][stream].double(), told, rtol=TOLERANCE, atol=TOLERANCE
            )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("threads")
def test_a_stream_is_the_same_bit_by_bit_in_any_slot_and_company(shape: Shape) -> None:
    alone = {}
    for stream in range(shape.slots):
        caches = Caches(shape, LIKE, together=False)
        read(caches, shape, 0, LENGTHS[stream], 100 * stream)
        alone[stream] = stepped(caches, shape, [0], [stream])

    for streams in ([0, 1, 2, 3, 4, 5, 6, 7], [7, 5, 4, 6, 1], [2, 3, 4], [6, 6, 6, 6]):
        caches = Caches(shape, LIKE, together=False)
        for slot, stream in enumerate(streams):
            read(caches, shape, slot, LENGTHS[stream], 100 * stream)
        heard = stepped(caches, shape, range(len(streams)), streams)
        for row, stream in enumerate(streams):
            for layer in range(shape.layers):
                assert torch.equal(heard[layer][row], alone[stream][layer][0])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_read_in_pieces_is_the_one_read_at_once(shape: Shape) -> None:
    whole, pieces = (Caches(shape, LIKE, together=False) for _ in range(2))
    said = drawn(shape, 150, 0)
    expected = whole.reading(3, 0, 150).attend(0, *said)
    for begin, end in ((0, 64), (64, 70), (70, 150)):
        heard = pieces.reading(3, begin, end - begin).attend(0, *(part[begin:end] for part in said))
        torch.testing.assert_close(heard, expected[begin:end], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stream_hears_nothing_of_what_was_in_its_slot_before(shape: Shape) -> None:
    fresh, used = (Caches(shape, LIKE, together=False) for _ in range(2))
    spoilt = [torch.full_like(part, torch.nan) for part in drawn(shape, 199, 0)]
    for layer in range(shape.layers):
        used.reading(0, 0, 199).attend(layer, *spoilt)

    heard = []
    for caches in (fresh, used):
        read(caches, shape, 0, LENGTHS[1], 100)
        first = stepped(caches, shape, [0], [1])
        heard.append([*first, *stepped(caches, shape, [0], [2])])

    for clean, seen in zip(*heard, strict=True):
        assert torch.equal(clean, seen)


def test_a_stream_begins_as_another_one_did() -> None:
    shape = SHAPES[0]
    caches = Caches(shape, LIKE, together=False)
    read(caches, shape, 0, 32, seed=0)
    caches.restore(5, caches.kept(0, 32))
    said = drawn(shape, 4, 1)
    heard = [caches.reading(slot, 32, 4).attend(0, *said) for slot in (0, 5)]
    assert torch.equal(*heard)


@given(length=st.integers(1, 2000))
def test_a_prompt_is_read_in_pieces_that_are_about_as_long(length: int) -> None:
    left, pieces = length, []
    while left:
        pieces.append(next_piece(left))
        left -= pieces[-1]
    assert sum(pieces) == length
    assert max(pieces) - min(pieces) <= 1
    assert max(pieces) <= 96
    assert len(pieces) == 1 or min(pieces) >= 48
