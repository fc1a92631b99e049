"""Take a list over from its other field managers, so that applying it removes what they put there.

Server-side apply removes only what its own manager applied earlier. Where nobody else has a say, as
over the ports of a Service, a foreign item has to become the operator's before it can be removed.
The record of field managers may be rewritten for that, in the way that kubectl's upgrade from
client-side to server-side apply does it. Pure.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import JsonPatch


def has_foreign_items(
    desired: Mapping[str, Any], live: Mapping[str, Any], path: Sequence[str], keys: Sequence[str]
) -> bool:
    """Whether the list at the path holds items, told apart by their keys, that are not wanted."""
    wanted = {_identity(item, keys) for item in _at(desired, path) or ()}
    return any(_identity(item, keys) not in wanted for item in _at(live, path) or ())


def take_over(live: Mapping[str, Any], path: Sequence[str]) -> JsonPatch:
    """A JSON patch that makes the operator the only owner of what lies at the path.

    It is refused (409 or 422) if the object has changed since ``live`` was read. Empty if the
    operator has never applied the object.
    """
    entries = copy.deepcopy(live["metadata"]["managedFields"])
    own = next((entry for entry in entries if _is_own(entry)), None)
    if own is None:
        return []
    steps = [f"f:{name}" for name in path]
    for entry in entries:
        if entry is not own:
            _merge(own["fieldsV1"], _cut(entry.get("fieldsV1", {}), steps))
    kept = [entry for entry in entries if entry.get("fieldsV1")]
    version = live["metadata"]["resourceVersion"]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
    ]


def _is_own(entry: Mapping[str, Any]) -> bool:
    return (
        entry["manager"] == FIELD_MANAGER
        and entry["operation"] == "Apply"
        and "subresource" not in entry
    )


def _at(manifest: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = manifest
    for name in path:
        value = value.get(name, {})
    return value


def _identity(item: Mapping[str, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(item.get(key) for key in keys)


def _cut(fields: dict[str, Any], steps: Sequence[str]) -> dict[str, Any]:
    """Remove what lies at the steps, and branches left empty; returns it under the same steps."""
    step, *rest = steps
    if step not in fields:
        return {}
    if not rest:
        return {step: fields.pop(step)}
    cut = _cut(fields[step], rest)
    if not fields[step]:
        del fields[step]
    return {step: cut} if cut else {}


def _merge(into: dict[str, Any], fields: Mapping[str, Any]) -> None:
    for step, children in fields.items():
        _merge(into.setdefault(step, {}), children)
