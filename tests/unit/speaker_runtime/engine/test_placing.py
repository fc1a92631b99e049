"""Which devices the copies get."""

from pathlib import Path

import pytest

from speaker_runtime.backends.protocol import Placement
from speaker_runtime.contract import DevicesConfig
from speaker_runtime.engine.placing import MISSING_GPU, place, usable_cpus


@pytest.mark.parametrize(
    ("wanted", "gpus", "placed"),
    [
        (DevicesConfig(), (), [("cpu", 2)] * 3),
        (DevicesConfig(copies=2), (), [("cpu", 4)] * 2),
        (DevicesConfig(copies=16), (), [("cpu", 1)] * 16),
        (DevicesConfig(), ("cuda:0", "cuda:1"), [("cuda:0", 8), ("cuda:1", 8)]),
        (DevicesConfig(copies=2), ("cuda:0",), [("cuda:0", 4)] * 2),
        (DevicesConfig(kind="cpu"), ("cuda:0",), [("cpu", 2)] * 3),
        (DevicesConfig(kind="gpu"), (), [(MISSING_GPU, 8)]),
    ],
)
def test_each_copy_has_a_device_and_its_share_of_the_cpus(
    wanted: DevicesConfig, gpus: tuple[str, ...], placed: list[tuple[str, int]]
) -> None:
    made = place(wanted, gpus, cpus=8, copies_on_cpu=3)
    assert [(each.device, each.threads) for each in made] == placed


def test_each_copy_knows_how_many_others_share_its_device() -> None:
    made = place(DevicesConfig(copies=2), ("cuda:0", "cuda:1"), cpus=8, copies_on_cpu=3)
    assert made == [Placement(device, 4, 1) for device in ("cuda:0", "cuda:0", "cuda:1", "cuda:1")]


@pytest.mark.parametrize(
    ("quota", "cpus"), [("150000 100000", 2), ("10000 100000", 1), ("100000 100000", 1)]
)
def test_a_containers_quota_bounds_the_cpus(tmp_path: Path, quota: str, cpus: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert usable_cpus(file) <= cpus


def test_without_a_quota_every_cpu_counts(tmp_path: Path) -> None:
    file = tmp_path / "cpu.max"
    file.write_text("max 100000")
    assert usable_cpus(file) == usable_cpus(tmp_path / "absent") >= 1
