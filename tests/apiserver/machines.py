"""Play the Deployment controller, scheduler and kubelet of a cluster with so many GPUs.

One turn does what those would do next; tests decide how many turns there are. The rules are those
of Kubernetes' documentation: never more than ``replicas + maxSurge`` pods, never fewer than
``replicas - maxUnavailable`` of them available by the controller's own doing.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from speaker_operator.kube.resources import DEPLOYMENT, POD
from tests.apiserver.api import Api, Json, unique_name
from tests.apiserver.kubelet import FETCHED, SERVING, report_deployment, report_pod
from tests.support.kubernetes import NeverTrue

HASH = "pod-template-hash"
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
}
CRASHING = {
    "ready": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 1, "message": "no such voice model"}},
}


def never(image: str) -> bool:
    return False


@dataclass
class Machines:
    """A cluster's machines, as far as one service sees them."""

    api: Api
    gpus: int
    crashes: Callable[[str], bool] = never
    """Whether an image crashes."""
    name: str = "hello"
    fewest_available: int | None = field(default=None, init=False)
    """Pods that were available at any time since the service was first complete."""
    _revisions: dict[str, str] = field(default_factory=dict, init=False)

    def complete(self, turns: int) -> int:
        """Take turns until all pods run the newest template; returns how many it took."""
        for turn in range(1, turns + 1):
            self.turn()
            deployment = self.api.require(DEPLOYMENT, self.name)
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            if self.images() == [container["image"]] * deployment["spec"]["replicas"]:
                if self.fewest_available is None:
                    self.fewest_available = len(self.images())
                return turn
        raise NeverTrue(f"not complete after {turns} turns: {self.images()} serve")

    def turn(self) -> None:
        deployment = self.api.require(DEPLOYMENT, self.name)
        template, wanted = deployment["spec"]["template"], deployment["spec"]["replicas"]
        newest = self._revision(template)
        self._schedule()
        self._replace(deployment, newest, wanted)
        self._note_available()
        self._schedule()
        pods = self._pods()
        available = sum(map(_is_available, pods))
        updated = [pod for pod in pods if pod["metadata"]["labels"][HASH] == newest]
        report_deployment(
            self.api,
            self.name,
            replicas=len(pods),
            updatedReplicas=len(updated),
            readyReplicas=available,
            availableReplicas=available,
        )

    def _revision(self, template: Json) -> str:
        """A template's hash; later ones sort later, as pods here are made within one second."""
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        return self._revisions.setdefault(digest, f"{len(self._revisions)}-{digest}")

    def images(self) -> list[str]:
        """The images of the pods that are available."""
        return sorted(
            pod["spec"]["containers"][0]["image"] for pod in self._pods() if _is_available(pod)
        )

    def _note_available(self) -> None:
        if self.fewest_available is not None:
            self.fewest_available = min(self.fewest_available, len(self.images()))

    def _replace(self, deployment: Json, newest: str, wanted: int) -> None:
        strategy = deployment["spec"]["strategy"]
        pods = self._pods()
        old = [pod for pod in pods if pod["metadata"]["labels"][HASH] != newest]
        new = len(pods) - len(old)
        if strategy["type"] == "Recreate":
            for pod in old:
                self.api.delete(POD, pod["metadata"]["name"])
            missing = 0 if old else wanted - new
        else:
            bounds = strategy["rollingUpdate"]
            spare = sum(map(_is_available, pods)) - (wanted - bounds["maxUnavailable"])
            broken = [pod for pod in old if not _is_available(pod)]
            serving = [pod for pod in old if _is_available(pod)]
            gone = broken + serving[: max(0, spare)]
            for pod in gone:
                self.api.delete(POD, pod["metadata"]["name"])
            room = wanted + bounds["maxSurge"] - (len(pods) - len(gone))
            missing = min(room, wanted - new)
        for _ in range(missing):
            self._create(deployment["spec"]["template"], newest)

    def _create(self, template: Json, newest: str) -> None:
        labels = {**template["metadata"]["labels"], HASH: newest}
        annotations = template["metadata"]["annotations"]
        metadata = {"name": unique_name(self.name), "labels": labels, "annotations": annotations}
        self.api.create(
            {
                "apiVersion": POD.api_version,
                "kind": POD.kind,
                "metadata": metadata,
                "spec": template["spec"],
            }
        )

    def _schedule(self) -> None:
        """Start the pods that there is a GPU for."""
        pods = self._pods()
        free = self.gpus - sum(_gpus(pod) for pod in pods if _has_started(pod))
        for pod in pods:
            name, image = pod["metadata"]["name"], pod["spec"]["containers"][0]["image"]
            if _has_started(pod):
                continue
            if _gpus(pod) > free:
                self.api.patch_status(POD, name, conditions=[UNSCHEDULABLE])
                continue
            free -= _gpus(pod)
            runtime = CRASHING if self.crashes(image) else SERVING
            report_pod(self.api, name, fetch=FETCHED, runtime=runtime, conditions=[])

    def _pods(self) -> list[Json]:
        return [pod for pod in self.api.list(POD) if "deletionTimestamp" not in pod["metadata"]]


def _has_started(pod: Json) -> bool:
    return bool(pod["status"].get("containerStatuses"))


def _is_available(pod: Json) -> bool:
    return any(each["ready"] for each in pod["status"].get("containerStatuses", ()))


def _gpus(pod: Json) -> int:
    limits = pod["spec"]["containers"][0]["resources"]["limits"]
    return int(limits.get("nvidia.com/gpu", 0))
