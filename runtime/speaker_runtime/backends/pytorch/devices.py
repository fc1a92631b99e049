"""Where the model runs, and in which precision: the only module that knows kinds of devices."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# Threads that wait for work by spinning take the CPU from those that have some: with a neighbour on
# the machine, or under a CPU limit, products are ten times slower. Read when OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from speaker_runtime import contract
from speaker_runtime.backends.protocol import DeviceUnavailableError, OutOfMemoryError
from speaker_runtime.backends.pytorch.kernels import (
    EightBitLinear,
    Linear,
    MakeProduct,
)
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError

logger = logging.getLogger(__name__)

CPU: Final = "cpu"
_DTYPES: Final[Mapping[str, torch.dtype]] = MappingProxyType(
    {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
)
_EIGHT_BITS: Final = "fbgemm"
"""What PyTorch calls the library with the 8-bit products."""
_NO_MEMORY: Final = ("can't allocate memory", "Cannot allocate memory", "not enough memory")
"""How PyTorch says that the CPU's memory is at its end."""


def gpus() -> tuple[str, ...]:
    """Every GPU of this machine that PyTorch can use."""
    return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))


def prepare(device: str, threads: int) -> torch.device:
    """Make ``device`` ready for a copy of the model.

    Raises:
        DeviceUnavailableError: It is not there.
    """
    torch.set_num_threads(threads)
    with failures_told():
        wanted = torch.device(device)
        torch.empty(1, device=wanted)
    return wanted


@dataclass(frozen=True)
class Precision:
    """What the GPT computes with.

    Attributes:
        name: As people call it.
        dtype: Of activations and caches, and of the weights that ``product`` is given.
        product: Makes the products of its layers.
    """

    name: contract.Precision
    dtype: torch.dtype
    product: MakeProduct = Linear


def precision_of(device: torch.device, wanted: contract.Precision) -> Precision:
    """What to compute with on ``device``.

    Raises:
        ModelError: The device cannot.
    """
    if wanted == "auto":
        wanted = _fastest(device)
    if wanted == "int8":
        if device.type != CPU:
            raise _refused(f"int8 is for CPUs, and the model runs on {device}")
        if _EIGHT_BITS not in torch.backends.quantized.supported_engines:
            raise _refused("int8 takes an x86 CPU with AVX2, which this one is not")
        return Precision(wanted, torch.float32, EightBitLinear)
    if wanted == "bfloat16" and device.type != CPU and not _has_bfloat16():
        raise _refused(f"{device} has no bfloat16")
    if wanted != "float32" and device.type == CPU:
        logger.warning(
            "a CPU computes %s several times slower than float32: leave model.precision out",
            wanted,
        )
    return Precision(wanted, _DTYPES[wanted])


def _fastest(device: torch.device) -> contract.Precision:
    if device.type == CPU:
        return "float32"
    return "bfloat16" if _has_bfloat16() else "float16"


def _has_bfloat16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _refused(why: str) -> ModelError:
    return ModelError(
        ExitCode.INVALID_CONFIG,
        f"{why[0].upper()}{why[1:]}.",
        "Leave model.precision out, for what suits the device, or name another one.",
    )


def free(device: torch.device) -> None:
    """Give memory that is not used any more back to the device."""
    if device.type != CPU:
        torch.cuda.empty_cache()


@contextmanager
def failures_told() -> Iterator[None]:
    """Tell what a device cannot do as one error.

    Raises:
        DeviceUnavailableError: The device is not there, or failed.
        OutOfMemoryError: It has no memory left.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(_first_line(error) or "no memory is left") from error
    except torch.AcceleratorError as error:
        raise DeviceUnavailableError(_first_line(error)) from error
    except (RuntimeError, AssertionError) as error:
        if any(each in str(error) for each in _NO_MEMORY):
            raise OutOfMemoryError(_first_line(error)) from error
        if _is_missing(error):
            raise DeviceUnavailableError(_first_line(error)) from error
        raise


def _is_missing(error: Exception) -> bool:
    return isinstance(error, AssertionError) or "CUDA" in str(error) or "NVIDIA" in str(error)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
