"""What the operator asks of the API server: applied, read, listed and watched objects."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from speaker_operator.kube.errors import (
    ExpiredError,
    NotFoundError,
)
from speaker_operator.kube.resources import JsonObject, JsonPatch, Resource, resource_of
from speaker_operator.kube.transport import AGENT, WATCH_SECONDS, Transport

FIELD_MANAGER: Final = AGENT
_PAGE: Final = 500
_NO_VERSION: Final = "1"
"""Of the store's first write, which is none of an object: whatever is there, has another one."""
_SILENT_SECONDS: Final = 90.0
"""It sends a bookmark every minute, where asked to: longer silence is that of a dead connection."""
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Versions(NamedTuple):
    """News of objects, by their names."""

    states: Mapping[str, str]
    """As :func:`state_of` tells them; empty of one that is gone."""
    is_all: bool
    """Whether there are no others."""


class KubeClient:
    """What the operator asks of one API server; use it as an asynchronous context manager.

    Every method raises a :class:`~speaker_operator.kube.errors.KubeError`.

    Args:
        transport: The way there; closed with the client.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.close()

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
        return await self._transport.request(
            "PATCH",
            resource,
            resource.path(namespace, name),
            body=patch,
            content_type="application/json-patch+json",
        )

    async def read(self, resource: Resource, namespace: str, name: str) -> JsonObject | None:
        """Read one object; None if there is none."""
        try:
            return await self._transport.request("GET", resource, resource.path(namespace, name))
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
            await self._transport.request("DELETE", resource, path, body=options)
        except NotFoundError:
            return

    async def create(self, manifest: JsonObject) -> JsonObject:
        """Create an object."""
        resource = resource_of(manifest)
        path = resource.path(manifest["metadata"]["namespace"])
        return await self._transport.request(
            "POST", resource, path, body=manifest, parameters={"fieldManager": FIELD_MANAGER}
        )

    async def replace(self, manifest: JsonObject) -> JsonObject:
        """Replace an object as a whole; a version in the manifest must be the present one."""
        resource, metadata = resource_of(manifest), manifest["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"])
        return await self._transport.request(
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
            page = await self._transport.request(
                "GET", resource, path, parameters=parameters, accept=accept
            )
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
        async for event in self._transport.events(path, query, "application/json", _SILENT_SECONDS):
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
        silent_seconds, path = WATCH_SECONDS + 30, resource.path(namespace)
        try:
            async for kind, manifest in self._transport.events(
                path, query, _METADATA, silent_seconds
            ):
                state = "" if kind == "DELETED" else state_of(manifest)
                yield Versions({manifest["metadata"]["name"]: state}, is_all=False)
        except ExpiredError:
            return  # whoever asks again hears of what there is then

    async def _apply(self, manifest: JsonObject, manager: str, subresource: str) -> JsonObject:
        resource = resource_of(manifest)
        metadata = manifest["metadata"]
        return await self._transport.request(
            "PATCH",
            resource,
            resource.path(metadata["namespace"], metadata["name"], subresource),
            body=manifest,
            parameters={"fieldManager": manager, "force": "true"},
            content_type="application/apply-patch+yaml",
        )


def state_of(manifest: Mapping[str, Any]) -> str:
    """What tells an object from any other, and from any other version of it."""
    metadata = manifest["metadata"]
    return f"{metadata['uid']}/{metadata['resourceVersion']}"
