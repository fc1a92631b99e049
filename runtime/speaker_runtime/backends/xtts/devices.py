"""Where the model runs, and in which precision: the only module that knows kinds of devices."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Threads that wait for work by spinning take the CPU from those that have some: with a neighbour on
# the machine, or under a CPU limit, products are ten times slower. Read when OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch  # noqa: E402

from speaker_runtime.backends.protocol import DeviceUnavailableError  # noqa: E402

CPU: Final = "cpu"
_NO_MEMORY: Final = ("can't allocate memory", "not enough memory")
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


def half_of(device: torch.device) -> torch.dtype:
    """The 16-bit type that ``device`` computes with at full speed; float32 where it has none."""
    if device.type == CPU:
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def free(device: torch.device) -> None:
    """Give memory that is not used any more back to the device."""
    if device.type != CPU:
        torch.cuda.empty_cache()


@contextmanager
def failures_told() -> Iterator[None]:
    """Tell what a device cannot do as one error.

    Raises:
        DeviceUnavailableError: The device is not there, failed, or has no memory left.
    """
    try:
        yield
    except (torch.OutOfMemoryError, torch.AcceleratorError) as error:
        raise DeviceUnavailableError(_first_line(error)) from error
    except (RuntimeError, AssertionError) as error:
        if _is_missing(error) or any(each in str(error) for each in _NO_MEMORY):
            raise DeviceUnavailableError(_first_line(error)) from error
        raise


def _is_missing(error: Exception) -> bool:
    return isinstance(error, AssertionError) or "CUDA" in str(error) or "NVIDIA" in str(error)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
