"""Merge what ``spec.podTemplate`` says over the rendered pod, as a strategic merge patch would."""

from collections.abc import Mapping
from typing import Any, Final

from speaker_operator.api.v1alpha1.podtemplate import PodTemplate
from speaker_operator.render.names import FETCH_CONTAINER

Json = dict[str, Any]

_KEYS: Final[Mapping[str, str]] = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "resourceClaims": "name",
}
"""Lists that are merged, by the field that tells their items apart."""


_NOT_FOR_FETCHES: Final = frozenset(
    {"containers", "initContainers", "volumes", "topologySpreadConstraints", "resourceClaims"}
    | {"runtimeClassName"}
)


def with_overrides(template: Json, overrides: PodTemplate | None) -> Json:
    """The pod template with the spec's last word."""
    if overrides is None:
        return template
    patch = _patch(overrides)
    spec = patch.get("spec") or {}
    first = spec.get("initContainers")
    if first and "initContainers" not in template["spec"]:  # a Job fetches the model
        rest = [each for each in first if each["name"] != FETCH_CONTAINER]
        spec = {name: value for name, value in spec.items() if name != "initContainers"}
        patch = {**patch, "spec": {**spec, "initContainers": rest} if rest else spec}
    merged: Json = _merged(template, patch)
    return merged


def with_fetch_overrides(template: Json, overrides: PodTemplate | None) -> Json:
    """The template of a pod that only fetches, with what of the spec's last word concerns it.

    That is what is said of the whole pod, and of the container that fetches with its volumes.
    """
    if overrides is None:
        return template
    patch = _patch(overrides)
    given = patch.get("spec") or {}
    spec = {name: value for name, value in given.items() if name not in _NOT_FOR_FETCHES}
    first = given.get("initContainers") or ()
    containers = [each for each in first if each["name"] == FETCH_CONTAINER]
    if containers:
        own = {each["name"] for each in template["spec"]["volumes"]}
        own |= {mount["name"] for each in containers for mount in each.get("volumeMounts") or ()}
        volumes = [each for each in given.get("volumes") or () if each["name"] in own]
        spec |= {"containers": containers, "volumes": volumes}
    merged: Json = _merged(template, {**patch, "spec": spec})
    return merged


def _patch(overrides: PodTemplate) -> Json:
    return overrides.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _merged(base: Any, patch: Any) -> Any:
    """Objects are merged field by field; anything else is replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif name in _KEYS:
            result[name] = _merged_list(name, result.get(name, []), value)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _merged_list(name: str, base: Any, patch: Any) -> Any:
    """Items of the same key are merged, others appended; what has no key replaces everything."""
    key = _KEYS[name]
    if not (
        isinstance(patch, list) and all(isinstance(each, dict) and key in each for each in patch)
    ):
        return patch
    result = list(base)
    for item in (_complete(name, each) for each in patch):
        index = next((i for i, each in enumerate(result) if each.get(key) == item[key]), None)
        if index is None:
            result.append(_merged({}, item))
        elif name == "volumes" and not result[index].keys() & item.keys() - {key}:
            result[index] = _merged({}, item)  # another kind of volume takes its place
        else:
            result[index] = _merged(result[index], item)
    return result


def _complete(name: str, item: Json) -> Json:
    """What the API server would fill in where it tells items apart by it."""
    return {"protocol": "TCP", **item} if name == "ports" else item
