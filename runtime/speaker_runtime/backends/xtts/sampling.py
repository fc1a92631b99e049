"""Which audio token comes next: for many streams at once, each by its own rules and chance.

The rules are those of Hugging Face's ``generate``, in its order: repetition penalty, temperature,
top-k, top-p. Every operation works on each row by itself, so that a row's token depends on nothing
but its own logits, rules and draws, whoever else is in the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from speaker_runtime.backends.pytorch import drawing
from speaker_runtime.contract import Sampling

PREFIX_TOKEN: Final = 1
"""What stands for every position of voice and text where repetitions are counted."""


@dataclass(frozen=True)
class Rules:
    """How tokens are drawn; the defaults are coqui-tts' own for XTTS-v2.

    Attributes:
        temperature: Divides the logits; below 1 the likely tokens become likelier.
        top_k: How many of the likeliest tokens may be drawn; 1 is greedy, 0 is all.
        top_p: The likeliest tokens that have this probability together may be drawn.
        repetition_penalty: Divides the score of what was said before; 1 is none.
    """

    temperature: float = 0.75
    top_k: int = 50
    top_p: float = 0.85
    repetition_penalty: float = 10.0

    @classmethod
    def of(cls, sampling: Sampling) -> "Rules":
        """The same; what is not given is as published."""
        return cls(**sampling.model_dump(exclude_none=True))


class Rows(drawing.Rows):
    """The rules of the streams that are drawn for together, as columns.

    Args:
        rules: Of each row.
        device: Where the logits are.
    """

    def __init__(self, rules: Sequence[Rules], device: torch.device) -> None:
        super().__init__(rules, device)
        self.penalty = drawing.column([each.repetition_penalty for each in rules], device)


def sample(logits: Tensor, seen: Tensor, rows: Rows, chance: Tensor) -> Tensor:
    """Draw a token for each row.

    Args:
        logits: Scores, float32, shape ``(rows, tokens)``.
        seen: Which tokens each row has said before, bool, of the same shape.
        rows: The rules.
        chance: Uniform numbers, float64, shape ``(rows,)``.

    Returns:
        Tokens, int64, shape ``(rows,)``.
    """
    penalised = torch.where(logits < 0, logits * rows.penalty, logits / rows.penalty)
    scores = torch.where(seen, penalised, logits) / rows.temperature
    size = scores.shape[1]
    count = min(rows.most, size) if rows.most else size
    # Only values are looked at from here on: in what order equal ones come does not matter.
    best = scores.topk(count, dim=1).values
    wanted = torch.where(rows.top_k > 0, rows.top_k, size).clamp(max=count)
    ranks = torch.arange(count, device=scores.device)[None]
    best = best.masked_fill(ranks >= wanted, -torch.inf)
    weights = torch.exp(best - best[:, :1]).double()
    shares = weights / weights.sum(dim=1, keepdim=True)
    before = shares.cumsum(dim=1) - shares
    # The likeliest stays in any case, as nothing comes before it.
    kept = (before < rows.top_p) & (ranks < wanted)
    least = best.gather(1, kept.sum(dim=1, keepdim=True) - 1)
    left = torch.exp(scores - best[:, :1]).double().masked_fill(scores < least, 0.0)
    heights = left.cumsum(dim=1)
    aims = chance[:, None].to(heights.device) * heights[:, -1:]
    tokens = torch.searchsorted(heights, aims, right=True)[:, 0]
    return tokens.clamp(max=size - 1)
