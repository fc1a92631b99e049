"""What has to be written so that a service's children are as rendered. Pure: it only compares."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.kube.resources import (
    CHILDREN,
    CLAIM,
    DEPLOYMENT,
    JsonObject,
    Key,
    key_of,
)
from speaker_operator.reconcile.drift import drift, owns
from speaker_operator.render.metadata import Manifest

HANDOVER_MANAGER = "speaker-tts-operator-replicas"
"""Field manager that holds ``replicas`` between the operator and an autoscaler."""

_CHILD_KINDS = frozenset(resource.kind for resource in CHILDREN)


@dataclass(frozen=True)
class Apply:
    """Make a child have the manifest's fields."""

    manifest: Manifest
    live: JsonObject | None
    """The child as observed; None if it has to be created."""
    fields: tuple[str, ...]
    """Paths that differ; empty where the child has to be created."""


@dataclass(frozen=True)
class KeepReplicas:
    """Let a Deployment keep its present number of pods when the operator stops deciding it."""

    manifest: Manifest


@dataclass(frozen=True)
class Delete:
    """Remove a child that is no longer rendered."""

    key: Key
    uid: str


Action = Apply | KeepReplicas | Delete


@dataclass(frozen=True)
class Problem:
    """A child that cannot be made as rendered, and what to do about it."""

    reason: str
    message: str


@dataclass(frozen=True)
class Plan:
    """The actions, in order, and what no action can put right."""

    actions: tuple[Action, ...]
    problems: tuple[Problem, ...]


def make_plan(desired: Iterable[Manifest], live: Iterable[JsonObject], owner_uid: str) -> Plan:
    """Compare the rendered children with the observed ones.

    ``live`` may hold pods and other services' objects; only children that ``owner_uid`` controls
    are ever deleted.
    """
    observed = {key_of(child): child for child in live if child["kind"] in _CHILD_KINDS}
    wanted = {key_of(manifest): manifest for manifest in desired}
    actions: list[Action] = [
        Delete(key, child["metadata"]["uid"])
        for key, child in observed.items()
        if key not in wanted and is_controlled(child, owner_uid) and not is_ending(child)
    ]
    problems: list[Problem] = []
    for key, manifest in wanted.items():
        child = observed.get(key)
        if child is None:
            actions.append(Apply(manifest, None, ()))
        elif not is_ending(child):
            achievable, problem = _achievable(manifest, child)
            if problem is not None:
                problems.append(problem)
            actions += _changes(achievable, child)
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


def _changes(manifest: Manifest, child: JsonObject) -> list[Action]:
    fields = drift(manifest, child)
    if not fields:
        return []
    apply = Apply(manifest, child, tuple(fields))
    if child["kind"] == DEPLOYMENT.kind and _gives_up_replicas(manifest, child):
        return [KeepReplicas(_replicas_only(child)), apply]
    return [apply]


def _gives_up_replicas(manifest: Manifest, child: JsonObject) -> bool:
    return "replicas" not in manifest["spec"] and owns(child, "spec", "replicas")


def _replicas_only(child: JsonObject) -> Manifest:
    """A Deployment's replicas as they are: without an owner they would fall back to 1."""
    metadata = child["metadata"]
    return {
        "apiVersion": child["apiVersion"],
        "kind": child["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"replicas": child["spec"]["replicas"]},
    }


def _achievable(manifest: Manifest, child: JsonObject) -> tuple[Manifest, Problem | None]:
    """The manifest as far as the API server can still make it true."""
    if child["kind"] == CLAIM.kind:
        return _achievable_claim(manifest, child)
    return manifest, None


def _achievable_claim(manifest: Manifest, child: JsonObject) -> tuple[Manifest, Problem | None]:
    """A claim's class and access modes never change, and its size never shrinks."""
    spec = dict(manifest["spec"])
    kept = []
    for field in ("storageClassName", "accessModes"):
        if field in spec and spec[field] != child["spec"].get(field):
            kept.append(f"{field} {child['spec'].get(field)}")
            spec[field] = child["spec"].get(field)
    wanted = spec["resources"]["requests"]["storage"]
    present = child["spec"]["resources"]["requests"]["storage"]
    if parse_quantity(wanted) < parse_quantity(present):
        spec["resources"] = {"requests": {"storage": present}}
        kept.append(f"size {present}")
    if not kept:
        return manifest, None
    name = child["metadata"]["name"]
    return {**manifest, "spec": spec}, Problem(
        "CacheImmutable",
        f"PersistentVolumeClaim {name} exists and keeps its {', its '.join(kept)}: write that in "
        f"spec.cache, or delete the claim to have it made anew (the model is fetched again)",
    )
