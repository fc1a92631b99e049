"""Several operators that share one lease, each behind a network of its own."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.envtest import ControlPlane
from tests.apiserver import skewed
from tests.apiserver.api import eventually
from tests.apiserver.conftest import READY_TIMEOUT, operator_kubeconfig
from tests.apiserver.faults import FaultyProxy, faulty_proxy
from tests.apiserver.operator_process import OPERATOR, OperatorProcess, run_operator


@dataclass
class Replica:
    """One operator, and the network between it and the API server."""

    operator: OperatorProcess
    network: FaultyProxy

    @property
    def leads(self) -> bool:
        return self.operator.total("speaker_operator_leading") == 1


@contextmanager
def replica(
    plane: ControlPlane, directory: Path, hours_off: int = 0, /, **settings: str
) -> Iterator[Replica]:
    """An operator that watches everything, and leads or stands by; its clock may be off."""
    off = (sys.executable, skewed.__file__, str(hours_off * 3600))
    directory.mkdir()
    with (
        faulty_proxy(plane, operator_kubeconfig(plane)) as (network, kubeconfig),
        run_operator(
            directory, kubeconfig, off if hours_off else (OPERATOR,), **settings
        ) as operator,
    ):
        eventually(operator.is_ready, within=READY_TIMEOUT, what="the replica is ready")
        yield Replica(operator, network)


@contextmanager
def pair(
    plane: ControlPlane, directory: Path, hours_off: tuple[int, int] = (0, 0), /, **settings: str
) -> Iterator[tuple[Replica, Replica]]:
    """A leader and a replica that stands by."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(replica(plane, directory / str(number), off, **settings))
            for number, off in enumerate(hours_off)
        )
        eventually(lambda: first.leads, within=READY_TIMEOUT, what="the first replica leads")
        assert not second.leads
        yield first, second
