"""Adaptive instance normalisation in one node instead of nine passes over the samples."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import NodeProto

from speaker_runtime.backends.kokoro.graph.editing import Graph

_TIME: Final = 2
"""The axis over which is normalised, of (1, channels, frames)."""


@dataclass(frozen=True)
class _Normalization:
    """``(x - mean(x)) / sqrt(variance(x) + epsilon)`` over the frames of each channel."""

    x: str
    result: str
    epsilon: float


def fuse_normalizations(graph: Graph) -> None:
    """Replace each ``normalised(x) * scale + shift`` by an ``InstanceNormalization``.

    Scale and shift of shape (1, channels, 1) come from the voice's style (AdaIN, Huang and
    Belongie 2017). The export spells the formula out, and every step of it is a pass over
    megabytes.
    """
    flat = graph.add_constant(np.array([-1], np.int64))
    for division in graph.nodes("Div"):
        found = _normalization(graph, division)
        scalings = graph.users(found.result, "Mul") if found else None
        for scaling in scalings or ():
            shifts = graph.users(scaling.output[0], "Add")
            if found is None or shifts is None or len(shifts) != 1:
                continue
            scale = _other(scaling, found.result)
            shift = _other(shifts[0], scaling.output[0])
            fused = graph.add(
                "InstanceNormalization",
                found.x,
                graph.add("Reshape", scale, flat),
                graph.add("Reshape", shift, flat),
                epsilon=found.epsilon,
            )
            graph.replace(shifts[0].output[0], fused)


def _normalization(graph: Graph, division: NodeProto) -> _Normalization | None:
    centred = graph.maker(division.input[0], "Sub")
    deviation = graph.maker(division.input[1], "Sqrt")
    if centred is None or deviation is None:
        return None
    x, squares = centred.input[0], None
    variance = graph.maker(deviation.input[0], "Add")
    mean = _mean_over_time(graph, centred.input[1])
    if variance is None or mean != x:
        return None
    square = graph.maker(_mean_over_time(graph, variance.input[0]) or "", "Mul")
    squares = set(square.input) if square else None
    epsilon = graph.constant(variance.input[1])
    if squares != {centred.output[0]} or epsilon is None or epsilon.size != 1:
        return None
    return _Normalization(x, division.output[0], float(epsilon.item()))


def _mean_over_time(graph: Graph, value: str) -> str | None:
    """Of what ``value`` is the mean over the frames, if it is one."""
    mean = graph.maker(value, "ReduceMean")
    axes = graph.constant(mean.input[1]) if mean and len(mean.input) > 1 else None
    if mean is None or axes is None or axes.tolist() not in ([_TIME], [-1]):
        return None
    return str(mean.input[0])


def _other(node: NodeProto, value: str) -> str:
    """The other one of a node's two inputs."""
    first, second = node.input
    return str(second if first == value else first)
