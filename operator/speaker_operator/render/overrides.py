"""Merge what ``spec.podTemplate`` says over the rendered pod, as a strategic merge patch would."""

from collections.abc import Mapping
from typing import Any, Final

from speaker_operator.api.v1alpha1.podtemplate import PodTemplate

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


def with_overrides(template: Json, overrides: PodTemplate | None) -> Json:
    """The pod template with the spec's last word."""
    if overrides is None:
        return template
    patch = overrides.model_dump(mode="json", by_alias=True, exclude_unset=True)
    merged: Json = _merged(template, patch)
    return merged


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
