"""Keys and values of many streams, in caches that stay where they are, and attention over them.

Streams join and leave between steps; a **slot** holds one of them. What a stream hears must not
depend on who else is there, down to the last bit. Where the products of this machine keep rows
apart, so does this: rows attend at once only where a kernel was seen to treat each as if it were
alone, and a row looks at as many positions as its own length asks for. Where products do not (on
GPUs), a step always has a row for each slot, and all attend at once.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.pytorch.kernels import ROWS, are_apart

_PIECE: Final = 64
"""About so many positions of a prompt are read at once: others get their turn in between."""
_BLOCK: Final = 64
"""A row looks at a multiple of so many positions, so that rows of a like length look at as many."""


@dataclass(frozen=True)
class Shape:
    """Of the caches.

    Attributes:
        layers: Of the model.
        slots: How many streams there are at most.
        heads: That have keys and values.
        groups: How many heads of queries share those of one.
        positions: The most that a stream may have.
        width: Of a head.
    """

    layers: int
    slots: int
    heads: int
    positions: int
    width: int
    groups: int = 1


def next_piece(left: int) -> int:
    """How many positions of a prompt are read next, of those that are left.

    All pieces of a prompt are about as long: a few positions that are left over would have every
    weight read once more.
    """
    return math.ceil(left / max(1, round(left / _PIECE)))


class Caches:
    """Keys and values of all streams, and attention over them.

    Args:
        shape: How many, and how large.
        like: A tensor on their device, of their type.
        together: Whether a step has a row for each slot, and all attend at once.
    """

    def __init__(self, shape: Shape, like: Tensor, *, together: bool) -> None:
        self._shape = shape
        self._device = like.device
        self._together = together
        self._most_at_once = shape.slots if together or _is_row_by_row(shape, like) else 1
        # Memory that is not written to is not there yet: unused slots cost nothing on a CPU. Where
        # all attend at once, what is hidden from a row still has to be numbers.
        make = torch.zeros if together else torch.empty
        self._kept = make(
            (shape.layers, 2, shape.slots, shape.heads, _reach(shape.positions), shape.width),
            dtype=like.dtype,
            device=like.device,
        )

    def kept(self, slot: int, positions: int) -> Tensor:
        """A copy of the first keys and values of a stream."""
        return self._kept[:, :, slot, :, :positions].clone()

    def restore(self, slot: int, kept: Tensor) -> None:
        """Let a stream begin as another one did."""
        self._kept[:, :, slot, :, : kept.shape[3]] = kept

    def reading(self, slot: int, position: int, count: int) -> "Reading":
        """How so many further positions of one stream attend, all before them having been read."""
        end = position + count
        self._clear(slot, end)
        places = torch.arange(end, device=self._device)
        mask = (places[None] <= places[position:, None]).repeat(self._shape.groups, 1)
        return Reading(self._kept[:, :, slot, :, :end], position, mask)

    def step(self, slots: Sequence[int], positions: Sequence[int]) -> "Step":
        """How one further position of each of some streams attends."""
        if self._together:
            return self._step_of_all(slots, positions)
        for slot, position in zip(slots, positions, strict=True):
            if position % _BLOCK == 0:
                self._clear(slot, position)
        of_runs = _runs(slots, positions, self._most_at_once)
        return Step(
            self._kept,
            torch.tensor(slots, device=self._device),
            torch.tensor(positions, device=self._device),
            [self._run(*each) for each in of_runs],
        )

    def _step_of_all(self, slots: Sequence[int], positions: Sequence[int]) -> "Step":
        """Rows of no stream write behind all positions, where nobody looks."""
        rows = torch.tensor(slots, device=self._device)
        every = torch.arange(self._shape.slots, device=self._device)
        spare = self._shape.positions
        places = torch.full_like(every, spare)
        places[rows] = torch.tensor(positions, device=self._device)
        run = self._run(0, 0, places.tolist(), min(spare, _reach(max(positions))))
        return Step(self._kept, every, places, [run], rows)

    def _run(self, row: int, slot: int, positions: Sequence[int], reach: int) -> "_Run":
        kept = self._kept[:, :, slot : slot + len(positions), :, :reach].transpose(2, 3)
        places = torch.arange(reach, device=self._device)
        behind = places > torch.tensor(positions, device=self._device)[:, None]
        mask = torch.zeros(behind.shape, dtype=kept.dtype, device=self._device)
        mask = mask.masked_fill(behind, -torch.inf)[None, :, None]
        layers = [(keys, values) for keys, values in kept.unbind()]
        return _Run(row, row + len(positions), layers, mask)

    def _clear(self, slot: int, position: int) -> None:
        """Let nothing that an earlier stream left be seen up to the end of a block.

        It is masked, but what is no number would still come through.
        """
        self._kept[:, :, slot, :, position : _reach(position)] = 0


@dataclass(frozen=True)
class Reading:
    """Attention of the next positions of one stream.

    Attributes:
        kept: Its keys and values, the next ones included; shape
            ``(layers, 2, heads, positions, width)``.
        begin: The first of the next positions.
        mask: What they look at, shape ``(groups * rows, positions)``.
    """

    kept: Tensor
    begin: int
    mask: Tensor

    def attend(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Note keys and values, and attend.

        Args:
            layer: Which.
            queries: Shape ``(rows, heads * groups, width)``.
            keys: Shape ``(rows, heads, width)``.
            values: The same.

        Returns:
            Shape ``(rows, heads * groups, width)``.
        """
        kept_keys, kept_values = self.kept[layer]
        kept_keys[:, self.begin :] = keys.transpose(0, 1)
        kept_values[:, self.begin :] = values.transpose(0, 1)
        rows, heads = len(keys), keys.shape[1]
        # The heads that share keys and values are further rows beside them.
        shared = queries.reshape(rows, heads, -1, keys.shape[2]).permute(1, 2, 0, 3)
        heard = functional.scaled_dot_product_attention(
            shared.flatten(1, 2)[None], kept_keys[None], kept_values[None], self.mask
        )
        return heard[0].view(shared.shape).permute(2, 0, 1, 3).flatten(1, 2)


@dataclass(frozen=True)
class _Run:
    """Rows of neighbouring slots that look at as many positions.

    Attributes:
        begin: The first row.
        end: The one behind the last.
        kept: Of each layer keys and values, each of shape ``(heads, rows, positions, width)``.
        mask: What is added to their scores, shape ``(1, rows, 1, positions)``.
    """

    begin: int
    end: int
    kept: list[tuple[Tensor, Tensor]]
    mask: Tensor


@dataclass(frozen=True)
class Step:
    """Attention of one position of each stream.

    Attributes:
        kept: All keys and values.
        slots: Of each row.
        positions: Of each row.
        runs: Which rows attend at once.
        asked: Which rows are those of the streams, in their order; None if all of them are.
    """

    kept: Tensor
    slots: Tensor
    positions: Tensor
    runs: list[_Run]
    asked: Tensor | None = None

    def rows(self, of_streams: Tensor) -> Tensor:
        """The rows of the step, of those of the streams: the others are computed for nothing."""
        if self.asked is None:
            return of_streams
        every = of_streams.new_zeros(len(self.slots), *of_streams.shape[1:])
        every[self.asked] = of_streams
        return every

    def of_streams(self, rows: Tensor) -> Tensor:
        """Of the rows of the step those of the streams."""
        return rows if self.asked is None else rows[self.asked]

    def attend(self, layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Note keys and values, and attend; all shapes are those of :meth:`Reading.attend`."""
        self.kept[layer][:, self.slots, :, self.positions] = torch.stack([keys, values], 1)
        shared = queries.reshape(*keys.shape[:2], -1, keys.shape[2]).transpose(0, 1)
        heard = [
            _attend(shared[:, run.begin : run.end], *run.kept[layer], run.mask) for run in self.runs
        ]
        return torch.cat(heard, 1).transpose(0, 1).flatten(1, 2)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attention, heads before rows.

    PyTorch's kernel for CPUs deals heads out to its threads, and what a thread computes depends, in
    the last bit, on which one it is. So a head stays with its thread, whatever the number of rows,
    if the number of threads divides that of heads.
    """
    return functional.scaled_dot_product_attention(queries, keys, values, mask)


def _is_row_by_row(shape: Shape, like: Tensor) -> bool:
    """Whether what a row hears is the same, whatever the number of rows."""
    generator = torch.Generator().manual_seed(0)

    def drawn(count: int) -> Tensor:
        made = torch.randn(shape.heads, ROWS, count, shape.width, generator=generator)
        return made.to(like.device, like.dtype)

    queries, keys, values = drawn(shape.groups), drawn(_BLOCK), drawn(_BLOCK)
    mask = torch.zeros(1, ROWS, 1, _BLOCK, dtype=like.dtype, device=like.device)

    def of_some(begin: int, end: int) -> Tensor:
        return _attend(*(each[:, begin:end] for each in (queries, keys, values, mask)))

    return are_apart(of_some, along=1)


def _reach(position: int) -> int:
    """The end of the block that a position is in."""
    return (position // _BLOCK + 1) * _BLOCK


def _runs(
    slots: Sequence[int], positions: Sequence[int], most: int
) -> Iterator[tuple[int, int, Sequence[int], int]]:
    """Rows of neighbouring slots and like lengths: the first, its slot, positions, and reach."""
    begin = 0
    for row in range(1, len(slots) + 1):
        if (
            row < len(slots)
            and row - begin < most
            and slots[row] == slots[begin] + row - begin
            and _reach(positions[row]) == _reach(positions[begin])
        ):
            continue
        yield begin, slots[begin], positions[begin:row], _reach(positions[begin])
        begin = row
