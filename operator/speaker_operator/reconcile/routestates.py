"""How services fare that speak with no model of ours: gateways, and foreign servers. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.status import RoutesStatus, RouteStatus
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.conditions import Finding, count
from speaker_operator.reconcile.hearing import Hearing
from speaker_operator.render.routes import Route

_LISTED: Final = 64


def route_states(routes: Iterable[Route], hearing: Hearing) -> tuple[RouteStatus, ...]:
    """The state of every route."""
    return tuple(_state(route, hearing) for route in routes)


def _state(route: Route, hearing: Hearing) -> RouteStatus:
    if route.upstream is None:
        message = Reason.ROUTE_UNKNOWN.told(route.problem)
        return RouteStatus(name=route.name, url=route.url, state="Unknown", message=message)
    if not hearing.said:
        message = "no pod of the gateway serves yet"
        return RouteStatus(name=route.name, url=route.url, state="Pending", message=message)
    refusal = hearing.refusal(route.name)
    if refusal is not None:
        own = _own_words(route.service)
        message = Reason.ROUTE_UNREACHABLE.told(f"{refusal.message}{own}")
        return RouteStatus(name=route.name, url=route.url, state="Unreachable", message=message)
    lacking = hearing.lacking(route.name)
    if lacking is not None:
        pod, trouble = lacking
        message = trouble.reason.told(
            f"pod {pod} has other routes than declared: {trouble.message}"
        )
        return RouteStatus(name=route.name, url=route.url, state="Pending", message=message)
    return RouteStatus(name=route.name, url=route.url, state="Ready")


def _own_words(service: TTSService | None) -> str:
    """What a service says of itself that is not available."""
    conditions = () if service is None else service.status.conditions
    for condition in conditions:
        if condition.type == "Available" and condition.status != "True":
            return f" (TTSService {service.metadata.name if service else ''}: {condition.reason})"
    return ""


def routes_status(states: Sequence[RouteStatus]) -> RoutesStatus:
    """All of them, as they stand in the gateway's status."""
    ready = sum(state.state == "Ready" for state in states)
    return RoutesStatus(total=len(states), ready=ready, routes=tuple(states[:_LISTED]))


def routes_ready(states: Sequence[RouteStatus]) -> Finding:
    """Whether requests can be handed on to everything that is behind the gateway."""
    if not states:
        return Finding("RoutesReady", "False", Reason.NO_ROUTES, "Nothing is behind the gateway.")
    for wanted, reason in (
        ("Unknown", Reason.ROUTE_UNKNOWN),
        ("Unreachable", Reason.ROUTE_UNREACHABLE),
        ("Pending", Reason.ROLLING_OUT),
    ):
        for state in states:
            if state.state == wanted:
                return Finding("RoutesReady", "False", reason, f"{state.name}: {state.message}")
    message = f"Requests are handed on to {count(len(states), 'server')}."
    return Finding("RoutesReady", "True", Reason.ROUTED, message)


def own_voices(service: TTSService) -> Finding:
    """What is to be said of the voices of somebody else's server."""
    custom = service.custom
    named = "" if custom is None or not custom.voices else f": {', '.join(custom.voices[:24])}"
    message = f"The image has its own voices{named}; Voice objects do not apply to it."
    return Finding("VoicesReady", "True", Reason.OWN_VOICES, message)


def offered(service: TTSService, voices: int, states: Sequence[RouteStatus]) -> str:
    """What requests can ask a service for, in words."""
    match service.backend.runs:
        case "gateway":
            routes = routes_status(states)
            missing = [state.name for state in states if state.state != "Ready"]
            lacking = f" (not {', '.join(missing[:8])})" if missing else ""
            return f"{routes.ready} of {count(routes.total, 'route')}{lacking}"
        case "custom":
            return "the image's own voices"
        case _:
            return count(voices, "voice") if voices else "the backend's presets"
