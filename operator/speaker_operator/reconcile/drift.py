"""Compare what an object should be with what it is, in exactly the fields that the operator owns.

The API server records per field who applied it last (``metadata.managedFields``). That record, not
a schema of every kind, says which lists are matched by key and which are one value, so that fields
which others own or the API server fills in are never touched, and these are always noticed:

* a field that differs, or is missing;
* a field that someone else took over, whatever its value;
* a field that the operator applied once and no longer wants.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from speaker_operator.api.quantity import parse_quantity
from speaker_operator.kube.client import FIELD_MANAGER

Fields = Mapping[str, Any]

_QUANTITIES: Final = frozenset({"requests", "limits", "sizeLimit"})
_IDENTITY: Final = frozenset({"name", "namespace"})
_NOTHING: Final[Fields] = {".": {}}


def drift(desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Paths of the fields in which ``live`` is not what was desired; empty if there is no drift."""
    found: list[str] = []
    _compare(_owned_part(desired), live, owned_fields(live), "", found)
    return found


def owns(live: Mapping[str, Any], *path: str) -> bool:
    """Whether the operator applied the field at the path."""
    fields: Any = owned_fields(live)
    for step in path:
        fields = fields.get(f"f:{step}")
        if fields is None:
            return False
    return True


def owned_fields(live: Mapping[str, Any]) -> Fields:
    """The fields that the operator applied, as the API server keeps them."""
    for entry in live["metadata"].get("managedFields", ()):
        applied = entry["operation"] == "Apply" and "subresource" not in entry
        if applied and entry["manager"] == FIELD_MANAGER:
            fields: Fields = entry["fieldsV1"]
            return fields
    return _NOTHING


def _owned_part(desired: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without what says which object it is; nobody owns that."""
    metadata = {name: value for name, value in desired["metadata"].items() if name not in _IDENTITY}
    rest = {name: value for name, value in desired.items() if name not in ("apiVersion", "kind")}
    return {**rest, "metadata": metadata}


def _compare(desired: Any, live: Any, owned: Fields, path: str, found: list[str]) -> None:
    """Note the paths of the fields that differ; a list, as generators of generators are slow."""
    if not owned:
        if desired != live and not _equal(desired, live, path):
            found.append(path)
    elif isinstance(desired, dict):
        _compare_maps(desired, live if isinstance(live, dict) else {}, owned, path, found)
    elif isinstance(desired, list):
        _compare_lists(desired, live if isinstance(live, list) else [], owned, path, found)
    else:
        found.append(path)


def _compare_maps(
    desired: dict[str, Any], live: dict[str, Any], owned: Fields, path: str, found: list[str]
) -> None:
    for name, value in desired.items():
        where = f"{path}.{name}" if path else name
        fields = owned.get(f"f:{name}")
        if fields is None or name not in live:
            found.append(where)
        else:
            _compare(value, live[name], fields, where, found)
    for step in owned:
        if step.startswith("f:") and step[2:] not in desired:
            found.append(f"{path}.{step[2:]}" if path else step[2:])  # noqa: PERF401 - it is rare


def _compare_lists(
    desired: list[Any], live: list[Any], owned: Fields, path: str, found: list[str]
) -> None:
    unmatched = list(desired)
    for step, fields in owned.items():
        if not step.startswith("k:"):
            continue
        where, keys = f"{path}[{step[2:]}]", _keys(step[2:])
        wanted, present = _item(unmatched, keys), _item(live, keys)
        if wanted is not None:
            unmatched.remove(wanted)
        if wanted is None or present is None:
            found.append(where)
        else:
            _compare(wanted, present, fields, where, found)
    found += (f"{path}[{json.dumps(item)}]" for item in unmatched)


@lru_cache(maxsize=1024)
def _keys(written: str) -> tuple[tuple[str, Any], ...]:
    """The keys that tell the items of a list apart, as the record writes them down."""
    return tuple(json.loads(written).items())


def _item(items: list[Any], keys: tuple[tuple[str, Any], ...]) -> Any:
    """The item of a list that has these values under these keys."""
    for item in items:
        for name, value in keys:
            if item.get(name) != value:
                break
        else:
            return item
    return None


def _equal(desired: Any, live: Any, path: str) -> bool:
    """Whether two values mean the same; the API server rewrites quantities (1000m becomes 1)."""
    if desired == live:
        return True
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        # What is only in the live value was filled in: who else writes into it takes it over.
        return desired.keys() <= live.keys() and all(
            _equal(desired[name], live[name], f"{path}.{name}") for name in desired
        )
    if isinstance(desired, list) and isinstance(live, list):
        return len(desired) == len(live) and all(
            _equal(ours, theirs, path) for ours, theirs in zip(desired, live, strict=True)
        )
    if _QUANTITIES.isdisjoint(path.split(".")):
        return False
    return parse_quantity(desired) == parse_quantity(live)
