"""Which servers are behind a gateway, and under which names."""

from collections.abc import Iterable
from dataclasses import dataclass

from speaker_operator.api.quantity import parse_duration
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.gateway import GatewaySpec, ServerSpec
from speaker_operator.render.service import url
from speaker_runtime import contract


@dataclass(frozen=True)
class Route:
    """One server behind a gateway, or why there is none.

    Attributes:
        name: Under which requests ask for it.
        url: Where it is; None where it is nowhere.
        upstream: As the gateway is told of it; None if it is not.
        service: The TTSService that it is, if it is one.
        problem: Why the gateway is not told of it; empty if it is.
    """

    name: str
    url: str | None
    upstream: contract.Upstream | None
    service: TTSService | None = None
    problem: str = ""


def selects(gateway: TTSService, service: TTSService) -> bool:
    """Whether a service is behind a gateway."""
    spec = gateway.gateway
    if spec is None or service.gateway is not None:
        return False
    if service.metadata.namespace != gateway.metadata.namespace:
        return False
    return is_selected(spec, service.metadata.name, service.metadata.labels)


def is_selected(spec: GatewaySpec, name: str, labels: dict[str, str]) -> bool:
    """Whether a gateway of this spec has a service of this name and these labels behind it."""
    services = spec.services
    if name in services.names:
        return True
    if services.selector is None:
        return not services.names
    return services.selector.matches(labels)


def routes(gateway: TTSService, services: Iterable[TTSService]) -> tuple[Route, ...]:
    """Everything behind a gateway: services by their names, then other servers as declared."""
    spec = gateway.gateway
    if spec is None:
        return ()
    by_name = {each.metadata.name: each for each in services}
    found = [
        _service_route(service)
        for _, service in sorted(by_name.items())
        if selects(gateway, service) and service.metadata.deletion_timestamp is None
    ]
    found += [
        _nowhere(name, by_name.get(name))
        for name in spec.services.names
        if name not in {route.name for route in found}
    ]
    taken = {route.name for route in found if route.upstream is not None}
    return (*found, *(_server_route(server, taken) for server in spec.servers))


def route_manifest(found: Iterable[Route]) -> contract.RouteManifest:
    """What a gateway is told of its routes."""
    return contract.RouteManifest(
        upstreams=tuple(route.upstream for route in found if route.upstream is not None)
    )


def gateway_config(gateway: TTSService, public_key: str | None) -> contract.GatewayConfig:
    """How a gateway serves."""
    spec, serving = gateway.gateway or GatewaySpec(), gateway.spec.serving
    return contract.GatewayConfig(
        service=gateway.metadata.name,
        max_input_characters=serving.max_input_characters,
        drain_seconds=serving.drain_seconds,
        answer_seconds=parse_duration(spec.answer_timeout),
        route_sync=None
        if public_key is None
        else contract.VoiceSyncConfig(service_uid=gateway.metadata.uid, public_key=public_key),
    )


def key_file(server: ServerSpec) -> str:
    """Where a gateway's pod finds the API key of a server."""
    return str(contract.KEYS_DIRECTORY / server.name / "key")


def _service_route(service: TTSService) -> Route:
    name, at = service.metadata.name, url(service)
    custom = service.custom
    if custom is None:
        return Route(name, at, contract.Upstream(name=name, url=at), service)
    upstream = contract.Upstream(
        name=name,
        url=at + custom.api_path.rstrip("/"),
        kind="openai",
        ready_path=custom.ready_path,
        models=custom.models,
        voices=custom.voices,
    )
    return Route(name, at, upstream, service)


def _nowhere(name: str, service: TTSService | None) -> Route:
    if service is None:
        return Route(name, None, None, problem=f"the namespace has no TTSService named {name}")
    return Route(name, None, None, problem=f"{name} is a gateway itself, or being deleted")


def _server_route(server: ServerSpec, taken: set[str]) -> Route:
    if server.name in taken:
        problem = f"a TTSService behind the gateway is named {server.name}, too"
        return Route(server.name, server.url, None, problem=problem)
    upstream = contract.Upstream(
        name=server.name,
        url=server.url,
        kind="openai",
        models=server.models,
        voices=server.voices,
        key_file=None if server.api_key_secret is None else key_file(server),
    )
    return Route(server.name, server.url, upstream)
