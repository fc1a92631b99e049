"""The snake activation in four passes over the samples instead of five."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from speaker_runtime.backends.kokoro.graph.editing import Graph

_SQUARE: Final = 2.0


def fold_activations(graph: Graph) -> None:
    """Let a normalisation scale what a snake behind it would.

    The snake is ``y + sin(a * y) ** 2 / a``, with an ``a`` for each channel (Ziyin et al. 2020).
    With ``a`` in the scale and shift of the normalisation, its result is ``u = a * y``, and the
    snake ``(u + sin(u) ** 2) / a``. The square becomes a product, computed faster than a power.
    """
    for power in graph.nodes("Pow"):
        sine = graph.maker(power.input[0], "Sin")
        exponent = graph.constant(power.input[1])
        if sine is None or exponent is None or exponent.size != 1 or exponent.item() != _SQUARE:
            continue
        square = graph.add("Mul", sine.output[0], sine.output[0])
        if not _fold(graph, sine, power):
            graph.replace(power.output[0], square)


def _fold(graph: Graph, sine: NodeProto, power: NodeProto) -> bool:
    """Fold the snake of which these are a part, if they are of one behind a normalisation."""
    stretched = graph.maker(sine.input[0], "Mul")
    scaled = graph.only_user(power.output[0], "Mul")
    if stretched is None or scaled is None:
        return False
    total = graph.only_user(scaled.output[0], "Add")
    alpha, y = _constant_and_value(graph, stretched)
    inverse, _ = _constant_and_value(graph, scaled)
    if total is None or alpha is None or inverse is None or y not in total.input:
        return False
    normalization = graph.maker(y, "InstanceNormalization")
    if normalization is None or len(graph.uses(y)) != 2:  # noqa: PLR2004  the sine and the sum
        return False
    if not np.allclose(alpha * inverse, 1.0, rtol=1e-4):
        return False
    x, scale, shift = normalization.input
    factors = graph.add_constant(alpha.reshape(-1))
    u = graph.add(
        "InstanceNormalization",
        x,
        graph.add("Mul", scale, factors),
        graph.add("Mul", shift, factors),
        epsilon=graph.attribute(normalization, "epsilon"),
    )
    wave = graph.add("Sin", u)
    whole = graph.add("Add", u, graph.add("Mul", wave, wave))
    graph.replace(total.output[0], graph.add("Mul", whole, graph.add_constant(inverse)))
    return True


def _constant_and_value(graph: Graph, product: NodeProto) -> tuple[NDArray[np.float32] | None, str]:
    """The factor of a product that is constant, and the other one."""
    first, second = product.input
    constant = graph.constant(first)
    if constant is None:
        return graph.constant(second), str(first)
    return constant, str(second)
