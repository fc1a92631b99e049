"""Where the pods of a service find their GPUs, or that they do without.

Whether a service that may fall back to the CPU does so is decided by the nodes that there are, not
by a pod that waits: so the answer is the same however often it is asked for, and a pod that waits
for a GPU that others use is never mistaken for one that waits in vain.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.gpu import GpuSpec

_MIB: Final = 2**20
_SHARED: Final = "-SHARED"
"""What feature discovery appends to the product of a GPU that several pods share."""


@dataclass(frozen=True)
class Taint:
    """What keeps pods off a node unless they tolerate it."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class Node:
    """What placement needs to know of a node."""

    name: str
    labels: Mapping[str, str]
    resources: Mapping[str, str]
    """The amounts that its pods may have, by resource."""
    taints: tuple[Taint, ...] = ()
    """What keeps pods off for good: those that come and go with its health are left out."""


@dataclass(frozen=True)
class Devices:
    """What the pods of a service speak on."""

    kind: Literal["gpu", "cpu"]
    reason: Literal["AsDeclared", "NoGPU", "NodesUnknown"] = "AsDeclared"
    message: str = ""
    """Where it is not, or perhaps not, as declared: why."""

    @property
    def fell_back(self) -> bool:
        """Whether GPUs are asked for and not to be had."""
        return self.reason == "NoGPU"


def devices(service: TTSService, nodes: Iterable[Node] | None) -> Devices:
    """Decide what the pods speak on; ``nodes`` are None where nobody may look at them."""
    gpu = service.spec.gpu
    if gpu is None:
        return Devices("cpu")
    if not gpu.fallback_to_cpu:
        return Devices("gpu")
    if nodes is None:
        return Devices(
            "gpu",
            "NodesUnknown",
            "the operator may not list nodes, so it cannot tell whether any has a GPU and asks for "
            "one: set nodeAccess in the values of its chart",
        )
    if any(_offers(node, service, gpu) for node in nodes):
        return Devices("gpu")
    return Devices(
        "cpu", "NoGPU", f"no node offers {_wish(gpu)}: the pods run on CPUs until one does"
    )


def requests(service: TTSService, on: Devices) -> dict[str, Any]:
    """What the container that speaks adds to its ``resources``."""
    gpu = service.spec.gpu
    if gpu is None or on.kind == "cpu":
        return {}
    if gpu.counted_resource is None:
        claims = (
            {"name": claim.name} | ({"request": claim.request} if claim.request else {})
            for claim in gpu.resource_claims
        )
        return {"claims": list(claims)}
    amount = {gpu.counted_resource: str(gpu.amount)}
    return {"requests": amount, "limits": amount}


def pod_fields(service: TTSService, on: Devices) -> dict[str, Any]:
    """The fields of a pod that uses GPUs."""
    gpu = service.spec.gpu
    if gpu is None or on.kind == "cpu":
        return {}
    claims = [
        claim.model_dump(by_alias=True, exclude_none=True, exclude={"request"})
        for claim in gpu.resource_claims
    ]
    fields = {"runtimeClassName": gpu.runtime_class_name, "resourceClaims": claims}
    return {name: value for name, value in fields.items() if value}


def tolerations(service: TTSService, on: Devices) -> list[dict[str, Any]]:
    """The taint that keeps other pods off nodes with GPUs."""
    gpu = service.spec.gpu
    if gpu is None or on.kind == "cpu" or gpu.counted_resource is None:
        return []
    return [{"key": gpu.counted_resource, "operator": "Exists", "effect": "NoSchedule"}]


def node_requirements(service: TTSService, on: Devices) -> list[dict[str, Any]]:
    """What a node's labels must say of its GPUs."""
    gpu = service.spec.gpu
    return [] if gpu is None or on.kind == "cpu" else _requirements(gpu)


def _requirements(gpu: GpuSpec) -> list[dict[str, Any]]:
    resource, found = gpu.counted_resource, []
    if gpu.product is not None:
        values = [gpu.product, f"{gpu.product}{_SHARED}"]
        found.append({"key": f"{resource}.product", "operator": "In", "values": values})
    if gpu.memory is not None:
        least = math.ceil(parse_quantity(gpu.memory) / _MIB)
        above = {"key": f"{resource}.memory", "operator": "Gt", "values": [str(least - 1)]}
        found.append(above)
    return found


def _offers(node: Node, service: TTSService, gpu: GpuSpec) -> bool:
    """Whether a pod of the service could ever have its GPUs on the node."""
    wanted = service.spec.placement.node_selector
    if any(node.labels.get(key) != value for key, value in wanted.items()):
        return False
    if not all(_is_tolerated(taint, service, gpu) for taint in node.taints):
        return False
    has = parse_quantity(node.resources.get(gpu.counted_resource or "", "0"))
    return has >= gpu.amount and all(_meets(node, each) for each in _requirements(gpu))


def _is_tolerated(taint: Taint, service: TTSService, gpu: GpuSpec) -> bool:
    if taint.effect == "PreferNoSchedule":
        return True
    if (taint.key, taint.effect) == (gpu.counted_resource, "NoSchedule"):
        return True
    return any(
        (each.key is None or each.key == taint.key)
        and (each.operator == "Exists" or (each.value or "") == taint.value)
        and each.effect in (None, taint.effect)
        for each in service.spec.placement.tolerations
    )


def _meets(node: Node, requirement: Mapping[str, Any]) -> bool:
    value, values = node.labels.get(requirement["key"]), requirement["values"]
    if value is None:
        return False
    if requirement["operator"] == "In":
        return value in values
    return value.isdecimal() and int(value) > int(values[0])


def _wish(gpu: GpuSpec) -> str:
    parts = [f"{gpu.amount} {gpu.counted_resource}"]
    if gpu.product is not None:
        parts.append(f"of product {gpu.product}")
    if gpu.memory is not None:
        parts.append(f"with {gpu.memory} of memory")
    return " ".join(parts)
