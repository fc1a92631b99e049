"""Which code comes next, and when a piece ends: repetition-aware sampling for many streams at once.

A token is drawn of the likeliest few; one that was said within the last ten is thrown away and
drawn once more of all, likely or not. Every operation works on each row by itself, so that a row's
token depends on nothing but its own logits, history, rules and draws, whoever else is in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from speaker_runtime.backends.pytorch.drawing import Rows, generator, uniform
from speaker_runtime.contract import Sampling

WINDOW: Final = 10
"""Tokens that are remembered."""
NO_TOKEN: Final = -1
"""Stands in a history where nothing was said yet."""
_SHORTEST: Final = 2
_LONGEST: Final = 20
"""Codes for each token of text."""


@dataclass(frozen=True)
class Limits:
    """How many codes a piece has.

    Attributes:
        least: It does not end before.
        most: It ends with this one at the latest.
    """

    least: int
    most: int

    @classmethod
    def of(cls, text_tokens: int) -> "Limits":
        """For a piece of so many tokens of text, those of the prompt not counted."""
        return cls(_SHORTEST * text_tokens, _LONGEST * text_tokens)


@dataclass(frozen=True)
class Rules:
    """How tokens are drawn; the defaults are the published ones.

    Attributes:
        temperature: Divides the logits; below 1 the likely tokens become likelier.
        top_k: How many of the likeliest tokens may be drawn at first; 1 is greedy, and nothing is
            drawn again then.
        top_p: The likeliest tokens are taken until they have this probability together.
    """

    temperature: float = 1.0
    top_k: int = 25
    top_p: float = 0.8

    @classmethod
    def of(cls, sampling: Sampling) -> "Rules":
        """What of a request's parameters is followed; what is not given is as published.

        No limit of the likeliest (a ``top_k`` of 0) is the published one, too.
        """
        own = cls()
        return cls(
            temperature=sampling.temperature or own.temperature,
            top_k=sampling.top_k or own.top_k,
            top_p=sampling.top_p or own.top_p,
        )


def draws(seed: int, count: int) -> Tensor:
    """A piece's chance: two uniform numbers in [0, 1) for each of its tokens.

    The first draws, the second draws again.

    Returns:
        Float64, on the CPU, shape ``(count, 2)``.
    """
    return uniform(seed, count, 2)


def noise(seed: int, stage: int, *shape: int) -> Tensor:
    """What a stage of a piece begins with, the same on every device.

    Args:
        seed: The request's.
        stage: A number from 1 that tells the stages' noise apart.
        shape: How much.

    Returns:
        Standard normal, float32, on the CPU.
    """
    return torch.from_numpy(generator(seed, stage).standard_normal(shape, dtype=np.float32))


@dataclass(frozen=True)
class Candidates:
    """What may be drawn at first.

    Attributes:
        tokens: The likeliest first, int64, shape ``(rows, candidates)``; of equal ones the lowest.
        weights: Their probabilities, 0 of those that may not be drawn, float32, of that shape.
    """

    tokens: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Drawn:
    """The next token of each row.

    Attributes:
        tokens: Int64, shape ``(rows,)``.
        again: Which were thrown away once and drawn again, bool, shape ``(rows,)``.
        stuck: Which rows have nothing to draw from, as their logits are no numbers; bool, shape
            ``(rows,)``.
    """

    tokens: Tensor
    again: Tensor
    stuck: Tensor


def sample(logits: Tensor, recent: Tensor, rows: Rows, chance: Tensor) -> Drawn:
    """Draw a token for each row.

    Args:
        logits: Scores, float32, shape ``(rows, tokens)``; of what may not be said, minus infinity.
        recent: The last tokens of each row, :data:`NO_TOKEN` where there are fewer, int64, shape
            ``(rows, WINDOW)``.
        rows: The rules.
        chance: Uniform numbers, float64, shape ``(rows, 2)``.
    """
    stuck = ~torch.isfinite(logits.amax(dim=1))
    logits = logits.masked_fill(stuck[:, None], 0.0)
    probabilities = torch.softmax(torch.log_softmax(logits / rows.temperature, dim=1), dim=1)
    found = candidates(probabilities, rows)
    chance = chance.to(logits.device)
    place = _picked(_running(found.weights), chance[:, :1])
    tokens = found.tokens.gather(1, place)
    again = ((tokens == recent).any(dim=1)) & (rows.top_k[:, 0] > 1)
    if again.any():
        others = _picked(probabilities.double().cumsum(dim=1), chance[:, 1:])
        tokens = torch.where(again[:, None], others, tokens)
    return Drawn(tokens[:, 0], again & ~stuck, stuck)


def candidates(probabilities: Tensor, rows: Rows) -> Candidates:
    """The likeliest tokens of each row.

    The one that crosses the limit of their probability is among them.

    Args:
        probabilities: Float32, shape ``(rows, tokens)``.
        rows: The rules.
    """
    count = min(rows.most, probabilities.shape[1])
    weights, tokens = probabilities.topk(count, dim=1)
    tokens, order = tokens.sort(dim=1)
    weights, order = weights.gather(1, order).sort(dim=1, descending=True, stable=True)
    tokens = tokens.gather(1, order)
    before = functional.pad(_running(weights)[:, :-1], (1, 0))
    ranks = torch.arange(count, device=weights.device)
    kept = (before < rows.top_p) & (ranks < rows.top_k)
    # The likeliest stays in any case, as nothing comes before it.
    kept[:, 0] = True
    return Candidates(tokens, weights.masked_fill(~kept, 0.0))


def masked(logits: Tensor, end: int, early: Sequence[bool]) -> Tensor:
    """Logits without the end where it may not come yet.

    Args:
        logits: Float32, shape ``(rows, tokens)``, which are changed.
        end: The token that ends a piece.
        early: Whether each row has fewer codes than it must have.
    """
    logits[torch.tensor(early, device=logits.device), end] = -torch.inf
    return logits


def _running(weights: Tensor) -> Tensor:
    """Sums up to each column, one after the other in float32."""
    sums = torch.empty_like(weights)
    total = torch.zeros_like(weights[:, 0])
    for at in range(weights.shape[1]):
        total = total + weights[:, at]
        sums[:, at] = total
    return sums


def _picked(heights: Tensor, chance: Tensor) -> Tensor:
    """In whose share of the whole the chance falls, shape ``(rows, 1)``."""
    heights = heights.double()
    found = torch.searchsorted(heights, chance * heights[:, -1:], right=True)
    return found.clamp(max=heights.shape[1] - 1)
