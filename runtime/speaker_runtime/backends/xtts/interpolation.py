"""Linear interpolation of a stream, position by position as PyTorch interpolates the whole."""

import math

import torch
from torch import Tensor


class Interpolation:
    """Stretches a stream of rows by a factor.

    The same as ``torch.nn.functional.interpolate(mode="linear", scale_factor=scale)`` of all rows:
    positions are computed from the stream's beginning, in float32 as it does.

    Args:
        scale: How many rows come of one.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._step = torch.tensor(1.0 / scale, dtype=torch.float32)
        self._kept: Tensor | None = None
        self._begin = 0
        """Which row of the stream the first kept one is."""
        self._made = 0

    def push(self, rows: Tensor, *, last: bool) -> Tensor:
        """The rows that can be known now.

        Args:
            rows: The next ones, shape ``(positions, channels)``.
            last: Whether there are no more.
        """
        rows = rows if self._kept is None else torch.cat([self._kept, rows])
        end = self._begin + len(rows)
        most = math.floor(end * self._scale) if last else math.ceil(end * self._scale) + 1
        wanted = torch.arange(self._made, max(most, self._made), dtype=torch.float32)
        places = ((wanted + 0.5) * self._step - 0.5).clamp(min=0.0)
        left = places.long()
        if not last:
            # Both neighbours have to be there.
            count = int((left < end - 1).sum())
            places, left = places[:count], left[:count]
        share = (places - left).to(rows.device, rows.dtype)[:, None]
        left = left - self._begin
        right = (left + 1).clamp(max=len(rows) - 1).to(rows.device)
        made = rows[left.to(rows.device)] * (1 - share) + rows[right] * share
        self._made += len(made)
        following = (self._made + 0.5) * float(self._step) - 0.5
        needed = min(max(int(following) - 1 - self._begin, 0), len(rows))
        self._kept, self._begin = rows[needed:].clone(), self._begin + needed
        return made
