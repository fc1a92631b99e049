"""Children that somebody deletes or edits, kind by kind and field by field."""

from collections import defaultdict
from statistics import median
from typing import Final

from bench.control.cluster import Cluster
from bench.control.fields import Path, at, edits, owned_paths
from bench.control.waiting import await_calm, seconds_until
from bench.goals import Name
from bench.report import Measure
from bench.spread import percentile
from speaker_operator.kube.resources import CHILDREN, CLAIM, DEPLOYMENT, JsonObject, Resource
from speaker_operator.render.labels import SERVICE
from tests.apiserver.api import Api, Refused, service
from tests.apiserver.children import EVERYTHING, settle
from tests.apiserver.operator_process import OperatorProcess

DELETIONS: Final = 7
"""Of each child."""
SCALINGS: Final = 20


def run(cluster: Cluster, operator: OperatorProcess) -> list[Measure]:
    """Disturb a service that has a child of every kind."""
    api = cluster.namespace("drift")
    api.declare(service(**EVERYTHING))
    settle(api)
    await_calm(operator)
    return [_deleted(api), _edited(api), _scaled(cluster, api, operator)]


def _children(api: Api) -> list[tuple[Resource, JsonObject]]:
    """The service's children: of every kind that the operator knows, whatever it is called."""
    return [
        (resource, child)
        for resource in CHILDREN
        for child in api.list(resource)
        if SERVICE in child["metadata"].get("labels", {})
    ]


def _deleted(api: Api) -> Measure:
    took: dict[str, list[float]] = defaultdict(list)
    for _ in range(DELETIONS):
        for resource, child in _children(api):
            took[resource.kind].append(_delete(api, resource, child))
    medians = {kind: 1000 * median(seconds) for kind, seconds in took.items()}
    slowest = max(medians, key=lambda kind: medians[kind])
    return Measure(
        Name.DELETED,
        medians[slowest],
        f"{slowest} is the slowest of {len(medians)} kinds, each deleted {DELETIONS} times",
        {f"{kind}, p50 in ms": milliseconds for kind, milliseconds in medians.items()},
    )


def _delete(api: Api, resource: Resource, child: JsonObject) -> float:
    """Delete a child; returns the seconds until another one is in its place."""
    name, uid = child["metadata"]["name"], child["metadata"]["uid"]
    api.delete(resource, name)
    if resource == CLAIM:  # a controller would do this once no pod uses the claim
        api.patch(resource, name, {"metadata": {"finalizers": None}})

    def is_back() -> bool:
        found = api.get(resource, name)
        return found is not None and found["metadata"]["uid"] != uid

    return seconds_until(is_back)


def _edited(api: Api) -> Measure:
    took: dict[str, float] = {}
    refused: list[str] = []
    for resource, child in _children(api):
        for path in owned_paths(child):
            seconds = _edit(api, resource, child["metadata"]["name"], path)
            where = f"{resource.kind} {'.'.join(map(str, path))}"
            if seconds is None:
                refused.append(where)
            else:
                took[where] = seconds
    slowest = max(took, key=lambda where: took[where])
    kinds = {where.partition(" ")[0] for where in took}
    return Measure(
        Name.EDITED,
        1000 * took[slowest],
        f"{slowest} is the slowest of {len(took)} fields of {len(kinds)} kinds; "
        f"{len(refused)} more can be edited by nobody",
        {
            "p50, ms": 1000 * median(took.values()),
            "p95, ms": 1000 * percentile([*took.values()], 0.95),
        },
    )


def _edit(api: Api, resource: Resource, name: str, path: Path) -> float | None:
    """Edit one field; returns the seconds until it is as before, None if no edit is let through."""
    live = api.require(resource, name)
    live |= {"apiVersion": resource.api_version, "kind": resource.kind}
    wanted = at(live, path)
    for edited in edits(live, path):
        try:
            stored = api.replace(resource, name, edited)
        except Refused:
            continue
        if at(stored, path) != wanted:
            return seconds_until(lambda: at(api.require(resource, name), path) == wanted)
    return None


def _scaled(cluster: Cluster, api: Api, operator: OperatorProcess) -> Measure:
    """Move the replicas as an autoscaler does; whatever the operator writes is one too many."""
    await_calm(operator)
    mark, wrong = cluster.audit.mark(), 0
    for number in range(SCALINGS):
        wanted = 2 + number % 2
        api.patch(DEPLOYMENT, "hello", {"spec": {"replicas": wanted}}, subresource="scale")
        await_calm(operator)
        wrong += api.require(DEPLOYMENT, "hello")["spec"]["replicas"] != wanted
    writes = cluster.audit.since(mark)[f"patch {DEPLOYMENT.plural}"]
    return Measure(Name.SCALED, writes + wrong, f"{SCALINGS} moves of the replicas")
