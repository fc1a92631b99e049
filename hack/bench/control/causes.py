"""Services that cannot come up: when their status says why, and whether they can be deleted.

The scheduler and the controllers are Kubernetes' own; only the node is played, which has no GPU
and cannot pull images.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from bench.control.cluster import Cluster
from bench.control.waiting import GIVE_UP_SECONDS, seconds_until
from bench.goals import Name
from bench.report import Measure
from speaker_operator.kube.resources import CHILDREN, NODE, POD, TTS_SERVICE
from speaker_operator.render.labels import SERVICE
from tests.apiserver.api import Api, Json, Refused, service
from tests.apiserver.kubelet import report_pod
from tests.support.kubernetes import condition

CASES: Final[Mapping[str, tuple[Json, str]]] = {
    "bad-image": ({"image": "registry.example.com/no-such:image"}, "ImagePullBackOff"),
    "no-gpu": (
        {"backend": "kokoro", "image": "registry.example.com/own:cuda", "gpu": {}},
        "Unschedulable",
    ),
    "no-storage-class": ({"cache": {"size": "1Gi", "retain": False}}, "NoStorageClass"),
    "no-storage-class-shared": (
        {
            "backend": "kokoro",
            "image": "registry.example.com/own:cpu",
            "cache": {"size": "1Gi", "retain": False},
        },
        "NoStorageClass",
    ),
}
"""What is declared, and the reason that is to be told."""
DELETIONS: Final = ("Background", "Foreground")
_NODE: Final = "bench-node"
_ROOM: Final = {"cpu": "64", "memory": "256Gi", "pods": "100"}
_KUBELET_SECONDS: Final = 0.05
_NOT_PULLED: Final[Json] = {
    "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
}


def run(cluster: Cluster) -> list[Measure]:
    """Declare each, wait for the cause, and delete it, in both ways that there are."""
    told: dict[str, float] = {}
    ended: dict[str, float] = {}
    with _node(cluster.api):
        for propagation in DELETIONS:
            api = cluster.namespace(f"causes-{propagation.lower()}")
            for name, (spec, _) in CASES.items():
                api.declare(service(name, **spec))
            for name, (_, reason) in CASES.items():
                told[f"{name}, {propagation}"] = seconds_until(_says(api, name, reason))
            for name in CASES:
                api.delete(TTS_SERVICE, name, propagationPolicy=propagation)
                ended[f"{name}, {propagation}"] = seconds_until(_is_gone(api, name))
    return [
        Measure(
            Name.CAUSES,
            max(told.values()),
            f"{', '.join(reason for _, reason in CASES.values())}; from the declaration on",
            {f"{name}, s": seconds for name, seconds in told.items()},
        ),
        Measure(
            Name.DELETION,
            sum(seconds > GIVE_UP_SECONDS for seconds in ended.values()),
            f"{len(ended)} services deleted with all children, the slowest in "
            f"{max(ended.values()):.1f} s",
        ),
    ]


def _says(api: Api, name: str, reason: str) -> Callable[[], bool]:
    return lambda: condition(api.require(TTS_SERVICE, name), "Ready").get("reason") == reason


def _is_gone(api: Api, name: str) -> Callable[[], bool]:
    def check() -> bool:
        if api.get(TTS_SERVICE, name) is not None:
            return False
        return not any(
            each["metadata"].get("labels", {}).get(SERVICE) == name
            for resource in (*CHILDREN, POD)
            for each in api.list(resource)
        )

    return check


@contextmanager
def _node(api: Api) -> Iterator[None]:
    """A node without GPUs, whose kubelet finds no image."""
    everywhere = api.in_namespace("")
    everywhere.create_of(
        NODE,
        {
            "apiVersion": NODE.api_version,
            "kind": NODE.kind,
            "metadata": {"name": _NODE, "labels": {"kubernetes.io/hostname": _NODE}},
        },
    )
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}
    everywhere.patch_status(NODE, _NODE, capacity=_ROOM, allocatable=_ROOM, conditions=[ready])
    everywhere.patch(NODE, _NODE, {"spec": {"taints": None}})
    kubelet = _Kubelet(everywhere)
    thread = threading.Thread(target=kubelet.run, name="kubelet", daemon=True)
    thread.start()
    try:
        yield
    finally:
        kubelet.stop()
        thread.join()


class _Kubelet:
    """Finds no image for any pod, and lets go of those that are deleted."""

    def __init__(self, everywhere: Api) -> None:
        self._everywhere = everywhere
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(_KUBELET_SECONDS):
            for pod in self._everywhere.list(POD):
                if pod["spec"].get("nodeName") == _NODE:
                    try:
                        self._tend(pod)
                    except Refused:
                        continue  # it changed, or went away, meanwhile: the next turn sees

    def stop(self) -> None:
        self._stopped.set()

    def _tend(self, pod: Json) -> None:
        api = self._everywhere.in_namespace(pod["metadata"]["namespace"])
        name = pod["metadata"]["name"]
        if "deletionTimestamp" in pod["metadata"]:
            api.delete(POD, name, gracePeriodSeconds="0")
        elif "containerStatuses" not in pod["status"]:
            waits = {"state": {"waiting": {"reason": "PodInitializing"}}}
            report_pod(api, name, fetch=_NOT_PULLED, runtime=waits)
