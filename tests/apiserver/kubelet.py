"""Play the controllers and the kubelet, which the test's API server lacks, over the real API."""

from typing import Any

from speaker_operator.kube.resources import DEPLOYMENT, POD
from speaker_runtime.contract import FetchReport
from tests.apiserver.api import Api, Json, unique_name

REPORT = FetchReport(digest=f"sha256:{'0' * 64}", bytes=107_000_000)
FETCHED = {"state": {"terminated": {"exitCode": 0, "message": REPORT.to_json()}}}
SERVING = {"ready": True, "state": {"running": {}}}


def roll_out(api: Api, name: str = "hello") -> None:
    """Report a Deployment's pods as up to date and serving, and make one of them."""
    deployment = api.require(DEPLOYMENT, name)
    replicas = deployment["spec"]["replicas"]
    if replicas:
        report_pod(api, create_pod(api, name), fetch=FETCHED, runtime=SERVING)
    report_deployment(
        api,
        name,
        replicas=replicas,
        updatedReplicas=replicas,
        readyReplicas=replicas,
        availableReplicas=replicas,
    )


def report_deployment(api: Api, name: str = "hello", **numbers: Any) -> None:
    """Write a Deployment's status, as its controller would after it saw the newest spec."""
    generation = api.require(DEPLOYMENT, name)["metadata"]["generation"]
    api.patch_status(DEPLOYMENT, name, observedGeneration=generation, **numbers)


def create_pod(api: Api, name: str = "hello") -> str:
    """Make a pod from a Deployment's template; returns its name."""
    deployment = api.require(DEPLOYMENT, name)
    template = deployment["spec"]["template"]
    generation = deployment["metadata"]["generation"]
    labels = {**template["metadata"]["labels"], "pod-template-hash": str(generation)}
    pod = api.create(
        {
            "apiVersion": POD.api_version,
            "kind": POD.kind,
            "metadata": {"name": unique_name(name), "labels": labels},
            "spec": template["spec"],
        }
    )
    return str(pod["metadata"]["name"])


def report_pod(api: Api, pod: str, *, fetch: Json, runtime: Json, **status: Any) -> None:
    """Write a pod's status, as the kubelet would."""

    def container(name: str, state: Json) -> Json:
        told = {"image": "runtime:test", "imageID": "", "ready": False, "restartCount": 0}
        return {**told, "name": name, **state}

    api.patch_status(
        POD,
        pod,
        initContainerStatuses=[container("model-fetch", fetch)],
        containerStatuses=[container("runtime", runtime)],
        **status,
    )
