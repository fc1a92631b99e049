"""Samples as the backends make them, and as 16-bit integers."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]
"""Mono, shape ``(n,)``, nominally within -1 and 1."""

Pcm16: TypeAlias = npt.NDArray[np.int16]
"""Mono, shape ``(n,)``, full scale."""


def to_pcm16(samples: Samples) -> Pcm16:
    """Round to 16 bits; what is louder than full scale is clipped."""
    rounded: Pcm16 = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    return rounded


def to_float(samples: Pcm16) -> Samples:
    """The inverse of :func:`to_pcm16`."""
    return samples.astype(np.float32) / np.float32(32767.0)
