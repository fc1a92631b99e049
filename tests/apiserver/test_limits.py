"""Namespaces with limits: the strictest pod security, quotas that are full, defaults for pods."""

import pytest

from speaker_operator.kube.resources import CHILDREN, DEPLOYMENT, POD, TTS_SERVICE, Resource
from tests.apiserver.api import Api, Json, eventually, service, unique_name, voice
from tests.apiserver.children import EVERYTHING, SETTLE_TIMEOUT, owned, quiesce, settle
from tests.apiserver.kubelet import create_pod, roll_out
from tests.apiserver.operator_process import OperatorProcess
from tests.support.kubernetes import condition

pytestmark = pytest.mark.apiserver

RETRY_TIMEOUT = 75  # the longest pause between two tries, and some
JOB = Resource("batch/v1", "Job", "jobs")
QUOTA = Resource("v1", "ResourceQuota", "resourcequotas")
LIMITS = Resource("v1", "LimitRange", "limitranges")
FULL: Json = {"count/persistentvolumeclaims": "0", "count/deployments.apps": "5"}
SHAPES = {
    "plain": {},
    "everything": EVERYTHING,
    "audio cache": {"serving": {"audioCache": {"disk": "1Gi"}}},
    "gpu": {"backend": "kokoro", "image": "registry.example.com/own:1", "gpu": {}},
    "fetched model": {"backend": "kokoro", "cache": {"size": "1Gi"}},
    "sidecar": {
        "podTemplate": {
            "metadata": {"annotations": {"team": "media"}},
            "spec": {"priorityClassName": "system-node-critical"},
        }
    },
}


def templates(api: Api) -> list[Json]:
    """Every pod template that the operator has made in the namespace."""
    return [
        each["spec"]["template"]
        for resource in (DEPLOYMENT, JOB)
        for each in api.list(resource)
        if "template" in each["spec"]
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_pods_are_admitted_under_the_strictest_pod_security(
    api: Api, operator: OperatorProcess, shape: str
) -> None:
    api.declare(service(**SHAPES[shape]))
    settle(api)
    made = templates(api)
    assert made
    for template in made:
        pod = {
            "apiVersion": POD.api_version,
            "kind": POD.kind,
            "metadata": {**template["metadata"], "name": unique_name("pod")},
            "spec": template["spec"],
        }
        assert api.create(pod, dryRun="All")["spec"]["containers"]


def test_a_full_quota_is_told_with_a_remedy_and_tried_again(
    api: Api, operator: OperatorProcess
) -> None:
    quota = {
        "apiVersion": QUOTA.api_version,
        "kind": QUOTA.kind,
        "metadata": {"name": "small"},
        "spec": {"hard": FULL},
    }
    api.create_of(QUOTA, quota)
    api.patch_status(QUOTA, "small", hard=FULL, used=dict.fromkeys(FULL, "0"))

    def ready() -> Json:
        return condition(api.require(TTS_SERVICE, "hello"), "Ready")

    api.declare(service(**EVERYTHING))
    eventually(
        lambda: ready().get("reason") == "QuotaExceeded",
        within=SETTLE_TIMEOUT,
        what="the status tells of the quota",
    )
    assert "exceeded quota: small" in ready()["message"]
    assert "raise the quota" in ready()["message"]
    assert len(owned(api)) == len(CHILDREN) - 1, "the other children are made"
    api.delete(QUOTA, "small")
    eventually(
        lambda: len(owned(api)) == len(CHILDREN), within=RETRY_TIMEOUT, what="the claim is made"
    )
    eventually(
        lambda: ready()["reason"] != "QuotaExceeded",
        within=SETTLE_TIMEOUT,
        what="it is told no more",
    )


def test_the_defaults_of_a_limit_range_are_left_alone(api: Api, operator: OperatorProcess) -> None:
    limits = {"type": "Container", "default": {"cpu": "2", "memory": "3Gi"}}
    api.create_of(
        LIMITS,
        {
            "apiVersion": LIMITS.api_version,
            "kind": LIMITS.kind,
            "metadata": {"name": "defaults"},
            "spec": {"limits": [limits]},
        },
    )
    api.declare(service(), voice("ana"))
    settle(api)
    roll_out(api)
    pod = api.require(POD, create_pod(api))
    assert pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "2"
    quiesce(operator)
    deployment = api.require(DEPLOYMENT, "hello")
    assert deployment["metadata"]["generation"] == 1
    writes = operator.total("speaker_operator_child_writes_total")
    api.patch(TTS_SERVICE, "hello", {"metadata": {"annotations": {"turn": "1"}}})
    quiesce(operator)
    assert operator.total("speaker_operator_child_writes_total") == writes
