"""What each pod asks the node for: the spec's amounts, and the backend's where it gives none."""

from collections.abc import Mapping
from typing import Any

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.workload import ResourceAmounts
from speaker_operator.render import gpu


def container_resources(service: TTSService) -> dict[str, Any]:
    """Render ``resources`` of a container.

    A default never contradicts what the spec says: it gives way where it would put a request above
    its limit.
    """
    spec = service.spec.resources
    requests, limits = _amounts(spec.requests), _amounts(spec.limits)
    if spec.requests is None:
        requests = _bounded(service.backend.requests, limits, min)
    if spec.limits is None:
        limits = _bounded(service.backend.limits, requests, max)
    return {
        key: amounts for key, amounts in (("requests", requests), ("limits", limits)) if amounts
    }


def runtime_resources(service: TTSService, on: gpu.Devices) -> dict[str, Any]:
    """Render ``resources`` of the container that speaks: the GPUs are its alone."""
    resources, more = container_resources(service), gpu.requests(service, on)
    return {
        key: {**resources.get(key, {}), **amounts} if isinstance(amounts, dict) else amounts
        for key, amounts in {**resources, **more}.items()
    }


def _amounts(given: ResourceAmounts | None) -> dict[str, str]:
    if given is None:
        return {}
    return {name: str(value) for name, value in given if value is not None}


def _bounded(defaults: Mapping[str, str], bounds: Mapping[str, str], choose: Any) -> dict[str, str]:
    return {
        name: choose(default, bounds.get(name, default), key=parse_quantity)
        for name, default in defaults.items()
    }
