"""A short spectrum as a convolution, which costs a hundredth of the general operator."""

import math
from typing import Final

import numpy as np

from speaker_runtime.backends.kokoro.graph.editing import Graph

_LONGEST: Final = 64
"""Samples of a window; longer ones are better left to a fast Fourier transform."""
_NOTHING: Final = 1e-9
"""Too little to be heard, and more than zero."""


def convolve_spectra(graph: Graph) -> None:
    """Replace each ``STFT`` of a short constant window by a ``Conv`` with the waves as kernels.

    The signal is of shape (1, samples), the spectrum of (1, frames, bins, 2): real and imaginary
    parts.
    """
    for transform in graph.nodes("STFT"):
        signal, *settings = transform.input
        values = [graph.constant(name) for name in settings]
        if len(values) != len(("step", "window", "length")) or not graph.attribute(
            transform, "onesided"
        ):
            continue
        step, window, length = values
        if step is None or window is None or window.size > _LONGEST:
            continue
        if length is not None and length.item() != window.size:
            continue
        flat = graph.add_constant(np.array([1, 1, -1], np.int64))
        bins = window.size // 2 + 1
        waves = graph.add(
            "Conv",
            graph.add("Reshape", signal, flat),
            graph.add_constant(_waves(window)),
            graph.add_constant(_phases(bins)),
            strides=[int(step.item())],
        )
        parts = graph.add_constant(np.array([1, -1, bins, 2], np.int64))
        spectrum = graph.add("Reshape", graph.add("Transpose", waves, perm=[0, 2, 1]), parts)
        graph.replace(transform.output[0], spectrum)


def _waves(window: np.ndarray) -> np.ndarray:
    """Windowed waves, of shape (2 * bins, 1, samples): the real and imaginary one of each bin."""
    count = window.size
    turns = np.outer(np.arange(count // 2 + 1), np.arange(count)) % count
    angles = -2 * math.pi * turns / count
    real, imaginary = np.cos(angles) * window, np.sin(angles) * window
    for bin_of_reals in (0, -1):
        imaginary[bin_of_reals] = 0
    waves = np.stack([real, imaginary], axis=1)
    return waves.reshape(-1, 1, count).astype(np.float32)


def _phases(bins: int) -> np.ndarray:
    """What is added to each wave, for the phase of the first and the last bin.

    They have no imaginary part, and its sign tells half a turn forwards from one backwards. The
    model has learnt forwards; the general operator leaves it to its rounding errors.
    """
    added = np.zeros((bins, 2), np.float32)
    added[[0, -1], 1] = _NOTHING
    return added.reshape(-1)
