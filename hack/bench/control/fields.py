"""Every field of a child that the operator owns, and edits of it that a person might make. Pure."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import JsonObject

Path = tuple[str | int, ...]
"""Names of fields and indexes of items, from the outside in."""

_OTHERS: Final[Mapping[str, str]] = {
    "Always": "IfNotPresent",
    "ClusterIP": "NodePort",
    "FallbackToLogsOnError": "File",
    "IfNotPresent": "Always",
    "OnRootMismatch": "Always",
    "RollingUpdate": "Recreate",
    "RuntimeDefault": "Unconfined",
    "TCP": "UDP",
    "http": "8081",
}
"""What else may stand where the API server knows a list of words."""
_NUMBER: Final = re.compile(r"\d+")


def owned_paths(live: JsonObject) -> list[Path]:
    """Paths of all values that the operator applied, as the API server has recorded it."""
    for entry in live["metadata"]["managedFields"]:
        applied = entry["operation"] == "Apply" and "subresource" not in entry
        if applied and entry["manager"] == FIELD_MANAGER:
            return sorted(_paths(entry["fieldsV1"], live, ()), key=str)
    return []


def _paths(fields: JsonObject, value: Any, path: Path) -> Iterator[Path]:
    """The record names fields as ``f:NAME`` and items of lists as ``k:{KEYS}``."""
    for step, inner in fields.items():
        kind, _, name = step.partition(":")
        found: list[tuple[str | int, Any]] = []
        if kind == "f" and isinstance(value, Mapping) and name in value:
            found = [(name, value[name])]
        elif kind == "k" and isinstance(value, list):
            keys = json.loads(name)
            found = [
                (index, item)
                for index, item in enumerate(value)
                if all(item.get(key) == wanted for key, wanted in keys.items())
            ]
        for where, item in found:
            if inner.keys() - {"."}:
                yield from _paths(inner, item, (*path, where))
            else:
                yield (*path, where)


def at(value: Any, path: Path) -> Any:
    """What lies at the path; None if nothing does."""
    for step in path:
        inside = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if not inside and not (isinstance(value, Mapping) and step in value):
            return None
        value = value[step]
    return value


def edits(live: JsonObject, path: Path) -> Iterator[JsonObject]:
    """The object with another value at the path, or with none; not all are valid."""
    for value in _other_values(at(live, path)):
        edited, holder = _copy(live, path)
        holder[path[-1]] = value
        yield edited
    edited, holder = _copy(live, path)
    del holder[path[-1]]
    yield edited


def _copy(live: JsonObject, path: Path) -> tuple[JsonObject, Any]:
    edited = copy.deepcopy(live)
    del edited["metadata"]["managedFields"]
    del edited["metadata"]["resourceVersion"]
    return edited, at(edited, path[:-1])


def _other_values(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            if value in _OTHERS:
                yield _OTHERS[value]
            if _NUMBER.search(value):
                yield _NUMBER.sub(lambda found: str(int(found[0]) + 1), value, count=1)
            yield f"{value}x"
        case list():
            yield value[:-1]
