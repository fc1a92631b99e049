"""Kubernetes' own controllers and scheduler beside the tests' API server, and a node to play.

What Deployments, the garbage collector and namespaces do is then not played but real; only the
node's kubelet is.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from cluster.binaries import Binaries
from cluster.config import Config
from cluster.controlplane import flag_list
from cluster.envtest import ControlPlane
from speaker_operator.kube.resources import NODE, POD
from tests.apiserver.api import Api, Json, Refused, connect, unique_name
from tests.apiserver.fetches import Fetches
from tests.apiserver.kubelet import FETCHED, SERVING, container_status
from tests.support.processes import running

MANAGER, SCHEDULER = "kube-controller-manager", "kube-scheduler"
CONTROLLERS = (
    *("deployment", "replicaset", "garbage-collector", "namespace", "disruption"),
    *("persistentvolumeclaim-protection", "persistentvolume-binder", "job", "ttl-after-finished"),
)
CYCLE_SECONDS = 0.05
QUICK_AUTOSCALER = {
    "horizontal-pod-autoscaler-sync-period": "1s",
    "horizontal-pod-autoscaler-downscale-stabilization": "1s",
    "horizontal-pod-autoscaler-initial-readiness-delay": "0s",
    "horizontal-pod-autoscaler-cpu-initialization-period": "0s",
}
KubeletT = TypeVar("KubeletT", bound="Kubelet")
ROOM = {"cpu": "64", "memory": "256Gi", "pods": "100"}


@contextmanager
def run_controllers(
    control_plane: ControlPlane, logs: Path, *, autoscaling: bool = False
) -> Iterator[None]:
    """Run them while the context is open; they are built if no test has needed them before."""
    binaries = Binaries.of_user(Config.load())
    binaries.ensure((MANAGER, SCHEDULER))
    common = [f"--kubeconfig={control_plane.kubeconfig}", "--leader-elect=false"]
    controllers = [*CONTROLLERS, *(["horizontal-pod-autoscaler"] if autoscaling else [])]
    names = ",".join(f"{name}-controller" for name in controllers)
    quick = ["--kube-api-qps=300", "--kube-api-burst=600"]
    pace = flag_list(QUICK_AUTOSCALER) if autoscaling else []
    with ExitStack() as stack:
        for tool, flags in (
            (MANAGER, [*quick, *pace, f"--controllers={names}", "--secure-port=0"]),
            (SCHEDULER, [*quick, "--secure-port=0"]),
        ):
            command = [str(binaries.path(tool)), *common, *flags]
            stack.enter_context(running(command, logs / f"{tool}.log"))
        yield


class Kubelet:
    """A node's kubelet: every pod that is bound to the node starts, serves or crashes, and ends."""

    def __init__(
        self,
        cluster: Api,
        resources: Json,
        crashes: Callable[[str], bool],
        fetches: Fetches | None = None,
    ) -> None:
        self._cluster = cluster
        self._crashes = crashes
        self._fetches = fetches
        self._stopped = threading.Event()
        self.fewest_serving: int | None = None
        """Pods that served at any time since some first did; reset it to begin anew."""
        self.name = unique_name("node")
        self._register({**ROOM, **resources})

    def started(self, pod: Json) -> Json:  # noqa: ARG002 - for others
        """What the status of a pod has beside its containers, once they run."""
        return {}

    def may_end(self, pod: Json) -> bool:  # noqa: ARG002 - for others
        """Whether the containers of a pod that is to end have done so."""
        return True

    def run(self) -> None:
        """Do what a kubelet does, until stopped."""
        while not self._stopped.wait(CYCLE_SECONDS):
            pods = [
                pod for pod in self._cluster.list(POD) if pod["spec"].get("nodeName") == self.name
            ]
            for pod in pods:
                try:
                    self._tend(pod)
                except Refused:
                    continue  # it changed, or went away, meanwhile: the next cycle sees
            if self.fewest_serving is not None:
                serving = sum(_serves(pod) for pod in pods)
                self.fewest_serving = min(self.fewest_serving, serving)

    def stop(self) -> None:
        self._stopped.set()

    def _register(self, resources: Json) -> None:
        node = {
            "apiVersion": NODE.api_version,
            "kind": NODE.kind,
            "metadata": {"name": self.name, "labels": {"kubernetes.io/hostname": self.name}},
        }
        self._cluster.create_of(NODE, node)
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}
        self._cluster.patch_status(
            NODE, self.name, capacity=resources, allocatable=resources, conditions=[ready]
        )
        self._cluster.patch(NODE, self.name, {"spec": {"taints": None}})

    def _tend(self, pod: Json) -> None:
        api = self._cluster.in_namespace(pod["metadata"]["namespace"])
        name = pod["metadata"]["name"]
        if self._fetches is not None and pod["spec"]["containers"][0]["name"] == "model-fetch":
            self._fetches.tend(api, pod)
        elif "deletionTimestamp" in pod["metadata"]:
            if self.may_end(pod):
                api.delete(POD, name, gracePeriodSeconds="0")
        elif "containerStatuses" not in pod["status"]:
            image = pod["spec"]["containers"][0]["image"]
            serves = not self._crashes(image)
            state = SERVING if serves else CRASHING
            conditions = [*pod["status"].get("conditions", ()), _ready(serves=serves)]
            api.patch_status(
                POD,
                name,
                phase="Running",
                conditions=conditions,
                initContainerStatuses=[
                    container_status(each["name"], FETCHED)
                    for each in pod["spec"].get("initContainers", ())
                ],
                containerStatuses=[container_status("runtime", state)],
                **self.started(pod),
            )


CRASHING = {
    "ready": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 1, "message": "no such voice model"}},
}


def _ready(*, serves: bool) -> Json:
    return {"type": "Ready", "status": "True" if serves else "False"}


def _serves(pod: Json) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and any(
        each["ready"] for each in pod["status"].get("containerStatuses", ())
    )


@contextmanager
def running_kubelet(
    plane: ControlPlane,
    resources: Json,
    crashes: Callable[[str], bool],
    fetches: Fetches | None = None,
) -> Iterator[Kubelet]:
    """The only node of a control plane; the arguments are those of :class:`Kubelet`."""
    with connect(plane) as api:
        kubelet = Kubelet(api.in_namespace(""), resources, crashes, fetches)
        with at_work(kubelet):
            yield kubelet


@contextmanager
def at_work(kubelet: KubeletT) -> Iterator[KubeletT]:
    """A kubelet tends its pods while the context is open."""
    thread = threading.Thread(target=kubelet.run)
    thread.start()
    try:
        yield kubelet
    finally:
        kubelet.stop()
        thread.join()
