"""What has to be written so that a service's children are as rendered. Pure: it only compares."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import orjson

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.kube.resources import (
    AUTOSCALER,
    CHILDREN,
    CLAIM,
    DEPLOYMENT,
    OPTIONAL,
    SCALED_OBJECT,
    SERVICE,
    JsonObject,
    Key,
    key_of,
)
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.drift import drift, owns
from speaker_operator.reconcile.ownership import has_foreign_items
from speaker_operator.render.metadata import Manifest

HANDOVER_MANAGER = "speaker-tts-operator-replicas"
"""Field manager that holds ``replicas`` between the operator and an autoscaler."""

_PORTS = ("spec", "ports")
_PORT_KEYS = ("port", "protocol")
_CHILD_KINDS = frozenset(resource.kind for resource in (*CHILDREN, *OPTIONAL))


@dataclass(frozen=True)
class Apply:
    """Make a child have the manifest's fields."""

    manifest: Manifest
    live: JsonObject | None
    """The child as observed; None if it has to be created."""
    fields: tuple[str, ...]
    """Paths that differ; empty where the child has to be created."""

    @cached_property
    def key(self) -> Key:
        """Which child."""
        return key_of(self.manifest)

    @cached_property
    def digest(self) -> bytes:
        """Of the manifest."""
        return sha256(orjson.dumps(self.manifest, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True)
class KeepReplicas:
    """Let a Deployment keep its present number of pods when the operator stops deciding it."""

    manifest: Manifest

    @property
    def key(self) -> Key:
        """Which Deployment."""
        return key_of(self.manifest)


@dataclass(frozen=True)
class TakeOver:
    """Become the only owner of a list in which others have put items, before it is applied."""

    key: Key
    path: tuple[str, ...]


@dataclass(frozen=True)
class Delete:
    """Remove a child that is no longer rendered."""

    key: Key
    uid: str
    version: str


Action = Apply | KeepReplicas | TakeOver | Delete


@dataclass(frozen=True)
class Problem:
    """A child that cannot be made as rendered, and what to do about it."""

    reason: Reason
    message: str


NOTHING: Final[Mapping[str, Problem]] = MappingProxyType({})


@dataclass(frozen=True)
class Plan:
    """The actions, in order, and what no action can put right."""

    actions: tuple[Action, ...]
    problems: tuple[Problem, ...]


def make_plan(
    desired: Iterable[Manifest],
    live: Iterable[JsonObject],
    owner_uid: str,
    lacking: Mapping[str, Problem] = NOTHING,
) -> Plan:
    """Compare the rendered children with the observed ones.

    Args:
        desired: The rendered children.
        live: What was observed; it may hold pods and other services' objects.
        owner_uid: Of the service: only children that it controls are ever deleted.
        lacking: Kinds that cannot be written now, and why.
    """
    observed = {key_of(child): child for child in live if child["kind"] in _CHILD_KINDS}
    wanted = {key_of(manifest): manifest for manifest in desired}
    actions: list[Action] = [
        Delete(key, child["metadata"]["uid"], child["metadata"]["resourceVersion"])
        for key, child in observed.items()
        if key not in wanted
        and key.kind not in lacking
        and is_controlled(child, owner_uid)
        and not is_ending(child)
    ]
    problems: list[Problem] = []
    for key, manifest in wanted.items():
        child = observed.get(key)
        if key.kind in lacking:
            problems.append(lacking[key.kind])
        elif child is None:
            actions.append(Apply(manifest, None, ()))
        elif not is_ending(child):
            steps, problem = _achievable(manifest, child)
            if problem is not None:
                problems.append(problem)
            for step in steps:
                actions += _changes(step, child, _least_replicas(wanted.values()))
    return Plan(tuple(actions), tuple(problems))


def is_controlled(child: Mapping[str, Any], owner_uid: str) -> bool:
    """Whether the owner controls the child."""
    return any(
        reference.get("controller") and reference["uid"] == owner_uid
        for reference in child["metadata"].get("ownerReferences", ())
    )


def is_ending(child: Mapping[str, Any]) -> bool:
    """Whether the child is being deleted: it cannot be changed, and its end will be noticed."""
    return child["metadata"].get("deletionTimestamp") is not None


def _least_replicas(desired: Iterable[Manifest]) -> int:
    """Fewest pods that the autoscaler keeps; 0 without one."""
    for each in desired:
        if each["kind"] == AUTOSCALER.kind:
            return int(each["spec"]["minReplicas"])
        if each["kind"] == SCALED_OBJECT.kind:
            return int(each["spec"]["minReplicaCount"])
    return 0


def _changes(manifest: Manifest, child: JsonObject, least_replicas: int) -> list[Action]:
    if child["kind"] == SERVICE.kind and has_foreign_items(manifest, child, _PORTS, _PORT_KEYS):
        # An edited port is another item with the same name: both at once would be invalid.
        return [TakeOver(key_of(child), _PORTS), Apply(manifest, child, (".".join(_PORTS),))]
    fields = drift(manifest, child)
    if not fields:
        return []
    apply = Apply(manifest, child, tuple(fields))
    if child["kind"] == DEPLOYMENT.kind and _gives_up_replicas(manifest, child):
        return [KeepReplicas(_replicas_only(child, least_replicas)), apply]
    return [apply]


def _gives_up_replicas(manifest: Manifest, child: JsonObject) -> bool:
    return "replicas" not in manifest["spec"] and owns(child, "spec", "replicas")


def _replicas_only(child: JsonObject, least: int) -> Manifest:
    """A Deployment's replicas as they are: without an owner they would fall back to 1.

    An autoscaler does not touch a Deployment of no pods, so it is handed over the fewest it keeps.
    """
    metadata = child["metadata"]
    return {
        "apiVersion": child["apiVersion"],
        "kind": child["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"replicas": max(least, child["spec"]["replicas"])},
    }


def _achievable(manifest: Manifest, child: JsonObject) -> tuple[list[Manifest], Problem | None]:
    """The manifest as far as the API server can still make it true, step by step."""
    if child["kind"] == CLAIM.kind:
        return _achievable_claim(manifest, child)
    return [manifest], None


def _achievable_claim(
    manifest: Manifest, child: JsonObject
) -> tuple[list[Manifest], Problem | None]:
    """A claim's class and access modes never change, and its size never shrinks.

    Growing is a step of its own: a storage class that does not allow it refuses nothing else.
    """
    spec = dict(manifest["spec"])
    kept = []
    for field in ("storageClassName", "accessModes"):
        if field in spec and spec[field] != child["spec"].get(field):
            kept.append(f"{field} {child['spec'].get(field)}")
            spec[field] = child["spec"].get(field)
    wanted, present = (_storage(each) for each in (spec, child["spec"]))
    steps = [{**manifest, "spec": {**spec, "resources": {"requests": {"storage": present}}}}]
    if parse_quantity(wanted) > parse_quantity(present):
        steps.append({**manifest, "spec": spec})
    if not kept:
        return steps, None
    name = child["metadata"]["name"]
    reason = Reason.CACHE_IMMUTABLE
    message = f"PersistentVolumeClaim {name} exists and keeps its {', its '.join(kept)}"
    return steps, Problem(reason, reason.told(message))


def _storage(spec: Mapping[str, Any]) -> str:
    storage: str = spec["resources"]["requests"]["storage"]
    return storage
