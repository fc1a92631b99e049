"""Where the copies of a model run: which devices there are, and how many threads each copy gets."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from speaker_runtime.backends import registry
from speaker_runtime.backends.protocol import AnyBackend, DeviceUnavailableError, Placement
from speaker_runtime.contract import DevicesConfig, RuntimeConfig
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.scheduler import Bounds

CPU: Final = "cpu"
MISSING_GPU: Final = "gpu"
"""Placed where a GPU is wanted and none is there."""
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def create_engine(config: RuntimeConfig) -> Engine:
    """Make the engine of a service; its model is loaded when it is started.

    Raises:
        UnknownBackendError: The configuration's backend is not installed.
    """
    backend = registry.load(config.backend)

    def make(placement: Placement) -> AnyBackend:
        if placement.device == MISSING_GPU:
            raise DeviceUnavailableError(
                f"no GPU is there that the backend {config.backend} can use"
            )
        return backend(config.model, placement)

    cpus = usable_cpus()
    placements = place(config.devices, backend.gpus(), cpus, backend.copies(cpus))
    fallback = Placement(CPU, placements[0].threads) if config.devices.fallback_to_cpu else None
    return Engine(
        make,
        placements,
        fallback=fallback,
        bounds=Bounds(
            queue_seconds=config.serving.max_queue_seconds,
            client_seconds=config.serving.max_client_seconds,
        ),
    )


def place(
    wanted: DevicesConfig, gpus: Sequence[str], cpus: int, copies_on_cpu: int
) -> list[Placement]:
    """Where each copy of the model runs.

    Args:
        wanted: What the configuration asks for.
        gpus: Those that are there and can be used.
        cpus: That this process may keep busy.
        copies_on_cpu: That make the most of them.
    """
    match wanted.kind:
        case "gpu":
            devices = gpus or (MISSING_GPU,)
        case "cpu":
            devices = (CPU,)
        case "auto":
            devices = gpus or (CPU,)
    copies = wanted.copies or (copies_on_cpu if devices == (CPU,) else 1)
    threads = max(1, cpus // copies)
    return [Placement(device, threads, copies - 1) for device in devices for _ in range(copies)]


def usable_cpus(quota: Path = _QUOTA) -> int:
    """How many CPUs this process may keep busy: those it is bound to, within its cgroup's quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cpus = bound or 1
    try:
        limit, period = quota.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cpus
    return cpus if limit == "max" else max(1, min(cpus, round(int(limit) / int(period))))
