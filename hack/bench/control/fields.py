"""Every field of a child that the operator owns, and edits of it that a person might make. Pure."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import JsonObject


class Item(NamedTuple):
    """The item of a list that has these values under these keys."""

    keys: tuple[tuple[str, Any], ...]

    def place_in(self, items: Any) -> int | None:
        """Where in the list it is."""
        found = (
            index
            for index, item in enumerate(items if isinstance(items, list) else ())
            if all(item.get(key) == value for key, value in self.keys)
        )
        return next(found, None)

    def __str__(self) -> str:
        return ",".join(str(value) for _, value in self.keys)


Path = tuple[str | Item, ...]
"""Names of fields and items of lists, from the outside in."""

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
    """The record names fields as ``f:NAME`` and items of lists as ``k:{KEYS}``.

    An item can be taken away, but its keys cannot be edited: under others, it is another item.
    """
    identity = dict(path[-1].keys) if path and isinstance(path[-1], Item) else {}
    for named, inner in fields.items():
        kind, _, name = named.partition(":")
        step: str | Item = name
        if kind == "k":
            step = Item(tuple(json.loads(name).items()))
            yield (*path, step)
        elif kind != "f" or name in identity:
            continue
        if inner.keys() - {"."}:
            yield from _paths(inner, at(value, (step,)), (*path, step))
        elif kind == "f":
            yield (*path, step)


def at(value: Any, path: Path) -> Any:
    """What lies at the path; None if nothing does."""
    for step in path:
        if isinstance(step, Item):
            index = step.place_in(value)
            value = None if index is None else value[index]
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def edits(live: JsonObject, path: Path) -> Iterator[JsonObject]:
    """The object with another value at the path, or with none; not all are valid."""
    for value in () if isinstance(path[-1], Item) else _other_values(at(live, path)):
        edited, holder = _copy(live, path)
        holder[path[-1]] = value
        yield edited
    edited, holder = _copy(live, path)
    last = path[-1]
    del holder[last.place_in(holder) if isinstance(last, Item) else last]
    yield edited


def _copy(live: JsonObject, path: Path) -> tuple[JsonObject, Any]:
    """A copy to be edited, and what in it holds the end of the path."""
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
