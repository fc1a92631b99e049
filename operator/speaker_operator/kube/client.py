"""Requests to the API server: typed errors, a time-out and a rate ceiling on every one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp
import kopf
import orjson
from aiohttp.abc import AbstractStreamWriter

from speaker_operator.kube.clock import ServerClock
from speaker_operator.kube.errors import (
    ExpiredError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
    from_response,
)
from speaker_operator.kube.limiter import RateLimiter
from speaker_operator.kube.resources import JsonObject, JsonPatch, Resource, resource_of
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.tracing import NO_TRACING, Tracing

FIELD_MANAGER: Final = "speaker-tts-operator"
_PAGE: Final = 500
_BUSY: Final = frozenset({429, 503})
_LONGEST_HOLD_SECONDS: Final = 30.0
_NO_CEILING: Final = 0
"""Watches take a connection each for as long as they last, and must keep no request waiting."""
_NO_VERSION: Final = "1"
"""Of the store's first write, which is none of an object: whatever is there, has another one."""
_GONE: Final = 410
_WATCH_SECONDS: Final = 300
"""After so long the API server ends a watch."""
_SILENT_SECONDS: Final = 90.0
"""It sends a bookmark every minute, where asked to: longer silence is that of a dead connection."""
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class _Request:
    verb: str
    kind: str
    path: str
    parameters: Mapping[str, str]
    content: bytes | None
    content_type: str
    accept: str


class Versions(NamedTuple):
    """News of objects, by their names."""

    states: Mapping[str, str]
    """As :func:`state_of` tells them; empty of one that is gone."""
    is_all: bool
    """Whether there are no others."""


Guard = Callable[[], None]
"""Raises a ``KubeError`` if nothing may be written now."""


def unguarded() -> None:
    """Let every write pass."""


class GuardedBody(aiohttp.BytesPayload):
    """A request's body, which is sent only if the guard still agrees at that moment.

    A request waits for its turn, for a connection, and perhaps for a frozen process to go on. The
    API server heeds none whose body it does not get.
    """

    def __init__(self, content: bytes, guard: Guard) -> None:
        super().__init__(content)
        self._guard = guard

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send the body, or break the request off."""
        self._guard()
        await super().write_with_length(writer, content_length)


class KubeClient:
    """A connection to one API server; use it as an asynchronous context manager.

    Every method raises a :class:`~speaker_operator.kube.errors.KubeError`.

    Args:
        connect: Says where the API server is, and who asks.
        metrics: What to count in.
        limiter: Ceiling of the rate of requests.
        timeout_seconds: Longest wait for an answer.
        clock: Learns the API server's time.
        guard: Asked before every write.
        unacknowledged_seconds: For how long the network may hold back what was sent; None for as
            long as the system sees fit.
    """

    def __init__(
        self,
        connect: Callable[[], kopf.ConnectionInfo],
        *,
        metrics: OperatorMetrics,
        limiter: RateLimiter,
        timeout_seconds: float,
        tracing: Tracing = NO_TRACING,
        clock: ServerClock | None = None,
        guard: Guard = unguarded,
        unacknowledged_seconds: float | None = None,
    ) -> None:
        self._connect = connect
        self._clock = clock or ServerClock()
        self._guard = guard
        self._unacknowledged = unacknowledged_seconds
        self._metrics = metrics
        self._limiter = limiter
        self._tracing = tracing
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=5)
        self._session: aiohttp.ClientSession | None = None
        self._server = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._disconnect()

    async def apply(self, manifest: JsonObject, *, manager: str = FIELD_MANAGER) -> JsonObject:
        """Make an object have the manifest's fields, by server-side apply; returns all of it.

        A version in the manifest must be the present one.
        """
        return await self._apply(manifest, manager, "")

    async def make(self, manifest: JsonObject) -> JsonObject:
        """Make an object by server-side apply; ``ConflictError`` if there is one of its name."""
        absent = {**manifest["metadata"], "resourceVersion": _NO_VERSION}
        return await self._apply({**manifest, "metadata": absent}, FIELD_MANAGER, "")

    async def apply_status(self, manifest: JsonObject) -> JsonObject:
        """Make an object's status have the manifest's fields, by server-side apply."""
        return await self._apply(manifest, FIELD_MANAGER, "status")

    async def json_patch(
        self, resource: Resource, namespace: str, name: str, patch: JsonPatch
    ) -> JsonObject:
        """Change an object by a JSON patch (RFC 6902)."""
        return await self._request(
            "PATCH",
            resource,
            resource.path(namespace, name),
            body=patch,
            content_type="application/json-patch+json",
        )

    async def read(self, resource: Resource, namespace: str, name: str) -> JsonObject | None:
        """Read one object; None if there is none."""
        try:
            return await self._request("GET", resource, resource.path(namespace, name))
        except NotFoundError:
            return None

    async def delete(
        self, resource: Resource, namespace: str, name: str, uid: str, version: str
    ) -> None:
        """Delete the very object with this uid, if it is still there, and of this version."""
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": uid, "resourceVersion": version},
            "propagationPolicy": "Background",
        }
        try:
            path = resource.path(namespace, name)
            await self._request("DELETE", resource, path, body=options)
        except NotFoundError:
            return

    async def create(self, manifest: JsonObject) -> JsonObject:
        """Create an object."""
        resource = resource_of(manifest)
        path = resource.path(manifest["metadata"]["namespace"])
        return await self._request(
            "POST", resource, path, body=manifest, parameters={"fieldManager": FIELD_MANAGER}
        )

    async def replace(self, manifest: JsonObject) -> JsonObject:
        """Replace an object as a whole; a version in the manifest must be the present one."""
        resource, metadata = resource_of(manifest), manifest["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"])
        return await self._request(
            "PUT", resource, path, body=manifest, parameters={"fieldManager": FIELD_MANAGER}
        )

    async def list(
        self, resource: Resource, namespace: str | None, selector: str = ""
    ) -> list[JsonObject]:
        """Read all objects of a namespace, or of the cluster, that the label selector chooses."""
        objects, _ = await self.snapshot(resource, namespace, selector)
        return [*objects]

    async def snapshot(
        self, resource: Resource, namespace: str | None, selector: str = ""
    ) -> tuple[Sequence[JsonObject], str]:
        """Read all objects like ``list``, and the version of the whole, to watch from."""
        chosen = {"labelSelector": selector} if selector else {}
        items, version = await self._items(resource, namespace, chosen)
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [kind | item for item in items], version

    async def _items(
        self,
        resource: Resource,
        namespace: str | None,
        chosen: Mapping[str, str],
        accept: str = "application/json",
    ) -> tuple[Sequence[JsonObject], str]:
        """All pages of a list, and the version of the whole."""
        items: list[JsonObject] = []
        parameters = {"limit": str(_PAGE), **chosen}
        path = resource.path(namespace)
        while True:
            page = await self._request("GET", resource, path, parameters=parameters, accept=accept)
            items += page["items"] or ()  # null where metadata of nothing is listed
            following = page["metadata"].get("continue")
            if not following:
                return items, page["metadata"].get("resourceVersion", "")
            parameters["continue"] = following

    async def watch(
        self, resource: Resource, namespace: str | None, selector: str, version: str
    ) -> AsyncIterator[tuple[str, JsonObject]]:
        """What happens to objects since a version: types and objects, until the server ends it.

        It ends as well where nothing comes for long. A bookmark is an object that has nothing but a
        version, up to which there was nothing else. Raises ``ExpiredError`` where the version is
        too old.
        """
        query = {"resourceVersion": version, "allowWatchBookmarks": "true"}
        query |= {"labelSelector": selector} if selector else {}
        path = resource.path(namespace)
        async for event in self._events(path, query, "application/json", _SILENT_SECONDS):
            yield event

    async def watch_versions(
        self, resource: Resource, namespace: str, name: str | None = None
    ) -> AsyncIterator[Versions]:
        """The versions of the objects of a namespace, or of one: all, then each that changes.

        Only metadata is asked for: what the objects hold never leaves the API server. Ends when
        the API server ends the watch, which it does every now and then.
        """
        chosen = {} if name is None else {"fieldSelector": f"metadata.name={name}"}
        items, version = await self._items(resource, namespace, chosen, _METADATA_LIST)
        yield Versions({each["metadata"]["name"]: state_of(each) for each in items}, is_all=True)
        query = {**chosen, "resourceVersion": version}
        silent_seconds, path = _WATCH_SECONDS + 30, resource.path(namespace)
        try:
            async for kind, manifest in self._events(path, query, _METADATA, silent_seconds):
                state = "" if kind == "DELETED" else state_of(manifest)
                yield Versions({manifest["metadata"]["name"]: state}, is_all=False)
        except ExpiredError:
            return  # whoever asks again hears of what there is then

    async def _events(
        self, path: str, query: Mapping[str, str], accept: str, silent_seconds: float
    ) -> AsyncIterator[tuple[str, JsonObject]]:
        parameters = {**query, "watch": "true", "timeoutSeconds": str(_WATCH_SECONDS)}
        session = self._connected()
        timeout = aiohttp.ClientTimeout(sock_connect=5, sock_read=silent_seconds)
        try:
            async with session.get(
                self._server + path,
                params=parameters,
                headers={"Accept": accept},
                timeout=timeout,
            ) as response:
                if response.status == _GONE:
                    raise ExpiredError(f"watch {path}: the version is too old")
                if not response.ok:
                    raise from_response(response.status, await _json(response))
                async for line in _lines(response.content):
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise ExpiredError(f"watch {path}: {event['object'].get('message')}")
                    yield event["type"], event["object"]
        except aiohttp.SocketTimeoutError:
            return  # the connection may be dead, or there is nothing to be told
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"watch {path}: {error or type(error).__name__}") from error

    async def _apply(self, manifest: JsonObject, manager: str, subresource: str) -> JsonObject:
        resource = resource_of(manifest)
        metadata = manifest["metadata"]
        return await self._request(
            "PATCH",
            resource,
            resource.path(metadata["namespace"], metadata["name"], subresource),
            body=manifest,
            parameters={"fieldManager": manager, "force": "true"},
            content_type="application/apply-patch+yaml",
        )

    async def _request(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        body: JsonObject | JsonPatch | None = None,
        parameters: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> JsonObject:
        """Send a request; credentials that are no longer accepted are read anew, once."""
        request = _Request(
            verb,
            resource.kind,
            path,
            parameters or {},
            None if body is None else orjson.dumps(body),
            content_type,
            accept,
        )
        session = self._connected()
        attributes = {"http.request.method": verb, "url.path": path}
        with self._tracing.span(f"{verb} {resource.kind}", attributes):
            try:
                return await self._send(request)
            except UnauthorizedError:
                if self._session is session:
                    await self._disconnect()
                return await self._send(request)

    async def _send(self, request: _Request) -> JsonObject:
        guard = unguarded if request.content is None else self._guard
        guard()
        await self._limiter.acquire()
        session = self._connected()
        loop = asyncio.get_running_loop()
        started, code = loop.time(), "error"
        try:
            async with session.request(
                request.verb,
                self._server + request.path,
                params=request.parameters,
                data=None if request.content is None else GuardedBody(request.content, guard),
                headers={"Content-Type": request.content_type, "Accept": request.accept},
                timeout=self._timeout,
            ) as response:
                answer = await _json(response)
                code = str(response.status)
                self._clock.learn(response.headers.get("Date"), loop.time() - started)
        except (aiohttp.ClientError, TimeoutError) as error:
            guard()  # if it broke the request off, that is the reason to tell
            words = str(error) or type(error).__name__
            raise UnavailableError(f"{request.verb} {request.path}: {words}") from error
        finally:
            self._metrics.api_requests.labels(request.verb, request.kind, code).inc()
            self._metrics.api_seconds.labels(request.verb).observe(loop.time() - started)
        if not isinstance(answer, dict) or not response.ok:
            self._limiter.hold(_asked_to_wait(response))
            raise from_response(response.status, answer)
        return answer

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            info = self._connect()
            self._server = info.server.rstrip("/")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=info.as_ssl_context(), socket_factory=self._socket, limit=_NO_CEILING
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=info.as_http_headers() | {"User-Agent": FIELD_MANAGER},
                proxy=info.proxy_url,
            )
        return self._session

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        if self._unacknowledged is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(self._unacknowledged * 1000)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return made

    async def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of whatever length, as they come."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _asked_to_wait(response: aiohttp.ClientResponse) -> float:
    """Seconds that an API server with too much to do asks its clients to wait."""
    after = response.headers.get("Retry-After", "")
    if response.status not in _BUSY or not after.isdecimal():
        return 0.0
    return min(float(after), _LONGEST_HOLD_SECONDS)


async def _json(response: aiohttp.ClientResponse) -> Any:
    """The answer as JSON, or as text where something in between wrote it."""
    content = await response.read()
    try:
        return orjson.loads(content)
    except ValueError:
        return content[:200].decode(errors="replace")


def state_of(manifest: Mapping[str, Any]) -> str:
    """What tells an object from any other, and from any other version of it."""
    metadata = manifest["metadata"]
    return f"{metadata['uid']}/{metadata['resourceVersion']}"
