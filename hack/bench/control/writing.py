"""Write many objects over a few connections, as fast as the API server takes them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from bench.control.cluster import CONNECTIONS
from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import Resource, resource_of

Json = dict[str, Any]

SECONDS: Final = 60.0
"""Longest wait for one answer."""
_ALL_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.05
_MANAGER: Final = "bench"


@dataclass(frozen=True)
class Write:
    """One request, ready to be sent."""

    verb: str
    path: str
    body: bytes
    content_type: str


def creation(namespace: str, manifest: Json) -> Write:
    """Create an object."""
    path = resource_of(manifest).path(namespace)
    return Write("POST", path, json.dumps(manifest).encode(), "application/json")


def application(manifest: Json) -> Write:
    """Apply an object, as the operator does."""
    metadata = manifest["metadata"]
    path = resource_of(manifest).path(metadata["namespace"], metadata["name"])
    return Write(
        "PATCH",
        f"{path}?fieldManager={_MANAGER}&force=true",
        json.dumps(manifest).encode(),
        "application/apply-patch+yaml",
    )


def annotation(namespace: str, resource: Resource, name: str, value: str) -> Write:
    """Change what the operator does not care for."""
    body = {"metadata": {"annotations": {"example.com/bench": value}}}
    return Write(
        "PATCH",
        resource.path(namespace, name),
        json.dumps(body).encode(),
        "application/merge-patch+json",
    )


class Writer:
    """The admin, over :data:`~bench.control.cluster.CONNECTIONS` connections."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def write(self, writes: Sequence[Write]) -> None:
        """Send all of them, each as soon as a connection is free."""
        waiting = iter(writes)
        async with asyncio.TaskGroup() as connections:
            for _ in range(CONNECTIONS):
                connections.create_task(self._work(waiting))

    async def count(self, resource: Resource, namespace: str) -> int:
        """How many objects there are, for the price of reading one."""
        path = f"{resource.path(namespace)}?limit=1"
        async with self._session.get(path) as response:
            page = await response.json()
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))

    async def await_count(self, resources: Iterable[Resource], namespace: str, size: int) -> None:
        """Wait until there are so many objects of each of the resources.

        Raises:
            TimeoutError: There are not within some minutes.
        """
        async with asyncio.timeout(_ALL_SECONDS):
            for resource in resources:
                while await self.count(resource, namespace) < size:  # noqa: ASYNC110  far away
                    await asyncio.sleep(_LOOK_SECONDS)

    async def _work(self, waiting: Iterator[Write]) -> None:
        for each in waiting:
            async with self._session.request(
                each.verb, each.path, data=each.body, headers={"Content-Type": each.content_type}
            ) as response:
                answer = await response.read()
                if not response.ok:
                    raise RuntimeError(f"{each.verb} {each.path}: {answer[:500]!r}")


@asynccontextmanager
async def writer(plane: ControlPlane) -> AsyncIterator[Writer]:
    """Connect as the admin."""
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    context.load_cert_chain(plane.client_cert_file, plane.client_key_file)
    async with aiohttp.ClientSession(
        base_url=plane.url,
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context),
        timeout=aiohttp.ClientTimeout(total=SECONDS),
    ) as session:
        yield Writer(session)
