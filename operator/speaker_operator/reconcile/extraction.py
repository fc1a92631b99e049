"""What the operator has applied of an object, taken out of the object as it is now. Pure.

By the record of field managers: applied again, it changes nothing.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

from speaker_operator.reconcile.drift import owned_fields
from speaker_operator.render.metadata import Manifest


def applied(live: Mapping[str, Any]) -> Manifest:
    """The manifest that was applied last, as far as it is still in effect."""
    metadata = live["metadata"]
    return {
        **_extract(dict(live), owned_fields(live)),
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {
            **_extract(metadata, owned_fields(live).get("f:metadata", {".": {}})),
            "name": metadata["name"],
            "namespace": metadata["namespace"],
        },
    }


def _extract(value: Any, fields: Mapping[str, Any]) -> Any:
    if not fields:
        return copy.deepcopy(value)
    if isinstance(value, Mapping):
        return {
            step[2:]: _extract(value[step[2:]], inner)
            for step, inner in fields.items()
            if step.startswith("f:") and step[2:] in value
        }
    if isinstance(value, list):
        return [
            _extract(item, inner)
            for item in value
            for step, inner in fields.items()
            if step.startswith("k:") and _is(item, json.loads(step[2:]))
        ]
    return value


def _is(item: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(item, Mapping) and all(item.get(key) == value for key, value in keys.items())
