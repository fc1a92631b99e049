"""Writes tensors as safetensors: names and numbers, and nothing that could be run.

Written here because what the library writes may change with its version, and needs all tensors in
memory at once. https://huggingface.co/docs/safetensors describes the format.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from speaker_runtime.models.files import BLOCK

if TYPE_CHECKING:
    from torch import Tensor

DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "float64": "F64",
        "float32": "F32",
        "float16": "F16",
        "bfloat16": "BF16",
        "int64": "I64",
        "int32": "I32",
        "int16": "I16",
        "int8": "I8",
        "uint8": "U8",
        "bool": "BOOL",
    }
)
"""What the types of numbers that can be written are called, by torch's names."""
_ALIGNED: Final = 8
_METADATA: Final = "__metadata__"


def dtype_of(tensor: "Tensor") -> str | None:
    """What the file calls the tensor's type; None if it cannot be written."""
    return DTYPES.get(str(tensor.dtype).removeprefix("torch."))


def safetensors_blocks(tensors: Mapping[str, "Tensor"]) -> Iterator[bytes]:
    """The content of a file with these tensors; equal ones give equal bytes.

    Args:
        tensors: Dense ones, each of a type that :func:`dtype_of` knows.
    """
    import torch  # noqa: PLC0415  takes seconds, and only who converts needs it

    # The widest first, so that each lies where its numbers can be read in place.
    ordered = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, object] = {_METADATA: {"format": "pt"}}
    end = 0
    for name in ordered:
        tensor, begin = tensors[name], end
        end += tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": dtype_of(tensor),
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNED)
    yield len(text).to_bytes(8, "little") + text
    for name in ordered:
        data = tensors[name].detach().contiguous().flatten().view(torch.uint8).numpy()
        for begin in range(0, data.nbytes, BLOCK):
            yield data[begin : begin + BLOCK].tobytes()
