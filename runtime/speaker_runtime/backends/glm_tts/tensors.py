"""The named tensors of one file, whose sizes the networks take from their shapes.

What is missing or has another shape than its neighbours ask for is told with the file and the name.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from speaker_runtime.backends.glm_tts.errors import damaged
from speaker_runtime.models.errors import ModelError

_NORM_NAMES: Final = (
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ("weight_g", "weight_v"),
)
"""How today's PyTorch names a weight's lengths and directions, and how it did before 2.0."""


class Tensors:
    """What a file holds, or the part of it whose names begin alike.

    Args:
        path: The file, as it is told in errors.
        tensors: Everything in it.
        prefix: What stands before every name that is asked for.
    """

    def __init__(self, path: object, tensors: Mapping[str, Tensor], prefix: str = "") -> None:
        self.path = path
        self._tensors = tensors
        self._prefix = prefix

    def below(self, prefix: str) -> "Tensors":
        """The part whose names begin with ``prefix`` and a dot."""
        return Tensors(self.path, self._tensors, f"{self._prefix}{prefix}.")

    def has(self, name: str) -> bool:
        """Whether there is such a tensor."""
        return self._prefix + name in self._tensors

    def take(self, name: str, *shape: int | None) -> Tensor:
        """A tensor as float32.

        Args:
            name: Below this part's prefix.
            shape: What its dimensions have to be, None where any will do; nothing for any shape.

        Raises:
            ModelError: There is none, or it has another shape.
        """
        return self.raw(name, *shape).to(torch.float32)

    def raw(self, name: str, *shape: int | None) -> Tensor:
        """A tensor as it is stored; otherwise as :meth:`take`."""
        name = self._prefix + name
        if name not in self._tensors:
            raise self.damaged(f"it has no {name}")
        found = self._tensors[name]
        fits = len(found.shape) == len(shape) and all(
            wanted in (None, size) for wanted, size in zip(shape, found.shape, strict=True)
        )
        if shape and not fits:
            expected = ", ".join("any" if size is None else str(size) for size in shape)
            raise self.damaged(f"{name} has the shape {list(found.shape)}, not [{expected}]")
        return found.detach()

    def pair(self, name: str, outputs: int | None, inputs: int | None) -> tuple[Tensor, Tensor]:
        """Weight ``(outputs, inputs)`` and bias ``(outputs,)`` of a linear layer."""
        weight = self.take(f"{name}.weight", outputs, inputs)
        return weight, self.take(f"{name}.bias", len(weight))

    def normed(self, name: str, *shape: int | None) -> Tensor:
        """The weight of a layer with weight normalisation, folded into one tensor.

        Its length along the first axis is kept apart from its direction, which is what the file
        has; a file whose weights are folded already has them under the plain name.

        Args:
            name: Of the layer.
            shape: As of :meth:`take`.
        """
        for length, direction in _NORM_NAMES:
            if self.has(f"{name}.{direction}"):
                v = self.take(f"{name}.{direction}", *shape)
                rest = (1,) * (v.dim() - 1)
                g = self.take(f"{name}.{length}", len(v), *rest)
                lengths: Tensor = v.flatten(1).norm(dim=1)
                return v * (g / lengths.view(-1, *rest))
        return self.take(f"{name}.weight", *shape)

    def damaged(self, why: str) -> ModelError:
        """The error that this file is no such part of the model."""
        return damaged(self.path, why)
