"""Whether a service's pods may have its model yet, and what is to stay as it is until then. Pure.

Pods that wait for a model would hold GPUs in vain. So a new service has no pods until its cache is
filled; and one whose model changes goes on as it is, with the model of before, until the new one is
there.
"""

from collections.abc import Iterable
from typing import Final, Literal

from speaker_operator.kube.resources import CONFIG_MAP, DEPLOYMENT, JsonObject
from speaker_operator.reconcile.extraction import applied
from speaker_operator.render.deployment import IN_POD
from speaker_operator.render.labels import CACHE, RELEASED
from speaker_operator.render.metadata import Manifest
from speaker_runtime.contract import CONFIG_FILE

Release = Literal["released", "waiting", "held"]

_KEPT_METADATA: Final = (("labels", CACHE), ("annotations", RELEASED))


def release(content: str | None, *, filled: bool, live: Iterable[JsonObject]) -> Release:
    """What becomes of a service's pods.

    Args:
        content: What belongs into the cache that a Job fills; None if the pods fetch themselves.
        filled: Whether it is there.
        live: The service's children.
    """
    if content is None or filled:
        return "released"
    deployment = _of_kind(DEPLOYMENT.kind, live)
    if deployment is None:
        return "waiting"
    loose = deployment["metadata"].get("annotations", {}).get(RELEASED)
    if loose is None:  # made while it waited; or, with pods, by an older operator
        return "held" if deployment["spec"].get("replicas") else "waiting"
    return "released" if loose == content else "held"


def hold(manifests: Iterable[Manifest], live: Iterable[JsonObject]) -> list[Manifest]:
    """The children with pods and configuration as they are; all else is as rendered."""
    live = list(live)
    held = {
        DEPLOYMENT.kind: (_of_kind(DEPLOYMENT.kind, live), _held_deployment),
        CONFIG_MAP.kind: (_of_kind(CONFIG_MAP.kind, live), _held_config),
    }
    result = []
    for manifest in manifests:
        child, keep = held.get(manifest["kind"], (None, None))
        result.append(manifest if child is None or keep is None else keep(manifest, child))
    return result


def _held_deployment(manifest: Manifest, child: JsonObject) -> Manifest:
    metadata = {**manifest["metadata"]}
    for part, name in _KEPT_METADATA:
        present = child["metadata"].get(part, {})
        wanted = {key: value for key, value in metadata.get(part, {}).items() if key != name}
        metadata[part] = {**wanted, name: present[name]} if name in present else wanted
    metadata["annotations"].setdefault(RELEASED, IN_POD)
    template = applied(child)["spec"].get("template", manifest["spec"]["template"])
    return {
        **manifest,
        "metadata": metadata,
        "spec": {**manifest["spec"], "template": template},
    }


def _held_config(manifest: Manifest, child: JsonObject) -> Manifest:
    present = child.get("data", {}).get(CONFIG_FILE)
    if present is None:
        return manifest
    return {**manifest, "data": {**manifest["data"], CONFIG_FILE: present}}


def _of_kind(kind: str, objects: Iterable[JsonObject]) -> JsonObject | None:
    return next((each for each in objects if each["kind"] == kind), None)
