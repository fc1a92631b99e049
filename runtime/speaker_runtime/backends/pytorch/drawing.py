"""Drawing tokens for many streams at once, whatever is drawn: chance, and rules as columns."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

_KEY_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF


class Drawing(Protocol):
    """How one stream's tokens are drawn."""

    @property
    def temperature(self) -> float:
        """Divides the logits."""

    @property
    def top_k(self) -> int:
        """How many of the likeliest may be drawn; 0 is all."""

    @property
    def top_p(self) -> float:
        """Which probability the likeliest that may be drawn have together."""


class Rows:
    """The rules of the streams that are drawn for together, as columns.

    Args:
        rules: Of each row.
        device: Where the logits are.
    """

    def __init__(self, rules: Sequence[Drawing], device: torch.device) -> None:
        self.temperature = column([each.temperature for each in rules], device)
        self.top_p = column([each.top_p for each in rules], device)
        counts = [each.top_k for each in rules]
        self.top_k = torch.tensor(counts, device=device)[:, None]
        self.most = 0 if 0 in counts else max(counts)
        """Candidates that have to be looked at; 0 for all of them."""


def column(values: Sequence[float], device: torch.device) -> Tensor:
    """A number for each row, float32, shape ``(rows, 1)``."""
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None]


def generator(seed: int, stage: int = 0) -> np.random.Generator:
    """Chance that is the same on every machine; that of one stage tells nothing of another's."""
    return np.random.Generator(np.random.Philox(key=seed & _KEY_BITS, counter=[0, 0, stage, 0]))


def uniform(seed: int, *shape: int) -> Tensor:
    """Numbers in [0, 1), float64, of stage 0.

    Made on the CPU, so that they are the same on every device; of 24 bits, so that none times a
    double rounds up to it.
    """
    return torch.from_numpy(generator(seed).random(shape, dtype=np.float32)).double()
