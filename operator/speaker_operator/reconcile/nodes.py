"""Which nodes there are, looked up while a service's placement depends on it.

Nodes are listed every now and then rather than watched: watching them would bring every heartbeat
of a large cluster to an operator whose services mostly do not care.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ForbiddenError, KubeError
from speaker_operator.kube.resources import NODE, TTS_SERVICE, Key, key_of
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.store import Store
from speaker_operator.render.gpu import Node, Taint

_HEALTH: Final = "node.kubernetes.io/"
"""Begins the taints by which Kubernetes says that a node is unwell, or cordoned."""

logger = logging.getLogger(__name__)


class NodeInventory:
    """The cluster's nodes, no older than one interval while any service falls back to the CPU."""

    def __init__(
        self, client: KubeClient, store: Store, queue: Queue, *, interval_seconds: float
    ) -> None:
        self._client = client
        self._store = store
        self._queue = queue
        self._interval = interval_seconds
        self._lock = asyncio.Lock()
        self._listed_at: float | None = None
        self._nodes: tuple[Node, ...] | None = None

    async def current(self) -> tuple[Node, ...] | None:
        """The nodes; None if the operator may not list them. Raises any other ``KubeError``."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._listed_at is None or now - self._listed_at >= self._interval:
                self._nodes = await self._list()
                self._listed_at = now
            return self._nodes

    async def run(self) -> None:
        """Have the services that depend on the nodes reconciled when these change."""
        told: tuple[Node, ...] | None = None
        while True:
            await asyncio.sleep(self._interval)
            dependents = self._dependents()
            if not dependents:
                continue
            try:
                nodes = await self.current()
            except KubeError as error:
                logger.warning("Nodes not listed, next try in %.3g s: %s", self._interval, error)
                continue
            if nodes != told:
                told = nodes
                for key in dependents:
                    self._queue.add(key)

    def _dependents(self) -> list[Key]:
        services = self._store.everywhere(TTS_SERVICE.kind)
        return sorted(key_of(each) for each in services if _depends(each))

    async def _list(self) -> tuple[Node, ...] | None:
        try:
            listed = await self._client.list(NODE, None)
        except ForbiddenError:
            return None
        return _read(listed)


def _depends(service: Mapping[str, Any]) -> bool:
    return bool(service["spec"].get("gpu", {}).get("fallbackToCPU"))


def _read(nodes: Iterable[Mapping[str, Any]]) -> tuple[Node, ...]:
    """Keep what placement looks at, so that heartbeats are no changes."""
    read = (
        Node(
            name=node["metadata"]["name"],
            labels=node["metadata"].get("labels", {}),
            resources={
                name: amount
                for name, amount in node.get("status", {}).get("allocatable", {}).items()
                if "/" in name  # what device plugins offer
            },
            taints=tuple(
                Taint(taint["key"], taint.get("value", ""), taint["effect"])
                for taint in node.get("spec", {}).get("taints", ())
                if not taint["key"].startswith(_HEALTH)
            ),
        )
        for node in nodes
    )
    return tuple(sorted(read, key=lambda node: node.name))
