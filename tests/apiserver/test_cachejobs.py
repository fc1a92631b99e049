"""The claim and the Job of a model cache as the API server keeps them; no controller runs here."""

from datetime import UTC, datetime

import pytest

from speaker_operator.kube.resources import (
    CLAIM,
    DEPLOYMENT,
    JOB,
    NETWORK_POLICY,
    POD,
    TTS_SERVICE,
    Resource,
)
from speaker_operator.render.labels import CONTENT, UNUSED_SINCE
from tests.apiserver.api import Api, Json, eventually, service
from tests.apiserver.children import REPAIR_GOAL, SETTLE_TIMEOUT, quiesce, settle
from tests.apiserver.kubelet import FETCHED, REPORT, container_status
from tests.apiserver.operator_process import OperatorProcess

pytestmark = pytest.mark.apiserver

SOURCE = "https://models.test/voice"


def cached(name: str = "hello", /, **cache: object) -> Json:
    """A service with a cache that a Job fills."""
    model = {"source": SOURCE}
    guarded = {"networkPolicy": {"enabled": True}}
    return service(name, backend="kokoro", model=model, cache={"size": "1Gi", **cache}, **guarded)


@pytest.fixture
def waiting(api: Api, operator: OperatorProcess) -> Api:
    """A namespace with a service that waits for its model."""
    api.declare(cached(retain=False))
    settle(api)
    eventually(lambda: api.list(JOB), within=SETTLE_TIMEOUT, what="the Job is there")
    quiesce(operator)
    return api


def only(api: Api, resource: Resource) -> Json:
    (found,) = api.list(resource)
    return found


def state(api: Api, name: str) -> str | None:
    """How far a service's model is."""
    status = api.require(TTS_SERVICE, name).get("status", {})
    found: str | None = status.get("model", {}).get("state")
    return found


def fill(api: Api) -> None:
    """Do what the Job's controller and its pod's kubelet would."""
    job = only(api, JOB)
    metadata = job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job"}
    owner |= {"name": metadata["name"], "uid": metadata["uid"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{metadata['name']}-x",
            "labels": job["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [owner],
        },
        "spec": job["spec"]["template"]["spec"],
    }
    api.create(pod)
    api.patch_status(
        POD,
        f"{metadata['name']}-x",
        phase="Succeeded",
        containerStatuses=[container_status("model-fetch", FETCHED)],
    )
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = {"status": "True", "lastTransitionTime": now, "reason": "CompletionsReached"}
    conditions = [{"type": each, **done} for each in ("SuccessCriteriaMet", "Complete")]
    api.patch_status(
        JOB,
        metadata["name"],
        startTime=now,
        completionTime=now,
        succeeded=1,
        uncountedTerminatedPods={},
        conditions=conditions,
    )


def test_they_are_applied_once_and_kept(waiting: Api, operator: OperatorProcess) -> None:
    before = [only(waiting, each) for each in (CLAIM, JOB)]
    assert only(waiting, JOB)["metadata"]["generation"] == 1
    assert len(waiting.list(NETWORK_POLICY)) == 2
    writes = operator.total("speaker_operator_child_writes_total")
    waiting.patch(TTS_SERVICE, "hello", {"metadata": {"annotations": {"turn": "1"}}})
    quiesce(operator)
    assert operator.total("speaker_operator_child_writes_total") == writes
    assert [only(waiting, each) for each in (CLAIM, JOB)] == before
    assert waiting.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 0
    assert operator.total("speaker_operator_reconcile_errors_total", kind="ModelCache") == 0


@pytest.mark.parametrize(
    ("resource", "patch"),
    [
        (JOB, {"spec": {"suspend": True}}),
        (JOB, {"metadata": {"annotations": {CONTENT: None}}}),
        (CLAIM, {"metadata": {"annotations": {"speaker-tts.dev/retain": "true"}}}),
        (NETWORK_POLICY, {"spec": {"policyTypes": ["Ingress", "Egress"]}}),
    ],
    ids=["a Job that is suspended", "a Job for nothing", "a claim to keep", "a tighter policy"],
)
def test_edits_are_taken_back(waiting: Api, resource: Resource, patch: Json) -> None:
    job = only(waiting, JOB)["metadata"]["name"]
    before = waiting.require(resource, job)
    waiting.patch(resource, job, patch)

    def repaired() -> bool:
        found = waiting.get(resource, job)
        parts = ("labels", "annotations")
        return found is not None and (
            found["spec"].get("suspend") == before["spec"].get("suspend")
            and found["spec"].get("policyTypes") == before["spec"].get("policyTypes")
            and all(found["metadata"].get(p) == before["metadata"].get(p) for p in parts)
        )

    eventually(repaired, within=REPAIR_GOAL, what="it is as it was")


@pytest.mark.parametrize("resource", [JOB, NETWORK_POLICY])
def test_deletions_are_taken_back(waiting: Api, resource: Resource) -> None:
    before = waiting.require(resource, only(waiting, JOB)["metadata"]["name"])["metadata"]
    waiting.delete(resource, before["name"], propagationPolicy="Background")

    def put_back() -> bool:
        found = waiting.get(resource, before["name"])
        return found is not None and found["metadata"]["uid"] != before["uid"]

    eventually(put_back, within=REPAIR_GOAL, what="it is back")


def test_when_it_is_filled_the_claim_says_so_and_pods_may_come(
    waiting: Api, operator: OperatorProcess
) -> None:
    fill(waiting)
    eventually(
        lambda: waiting.require(DEPLOYMENT, "hello")["spec"]["replicas"] == 1,
        within=SETTLE_TIMEOUT,
        what="pods are let loose",
    )
    told = only(waiting, CLAIM)["metadata"]["annotations"]
    assert REPORT.digest in str(told)
    quiesce(operator)
    writes = operator.total("speaker_operator_child_writes_total")
    job = only(waiting, JOB)["metadata"]["name"]
    waiting.delete(JOB, job, propagationPolicy="Background")
    waiting.declare(cached("other"))
    eventually(
        lambda: state(waiting, "other") == "Ready",
        within=SETTLE_TIMEOUT,
        what="another service finds the model",
    )
    quiesce(operator)
    assert waiting.list(JOB) == []
    made = operator.total("speaker_operator_child_writes_total") - writes
    assert made == 5, "its own four children, and the claim, which is kept from now on"
    assert waiting.require(DEPLOYMENT, "other")["spec"]["replicas"] == 1


def test_a_cache_of_nobody_is_marked_and_taken_into_use_again(
    api: Api, operator: OperatorProcess
) -> None:
    api.declare(cached())
    settle(api)
    eventually(lambda: api.list(JOB), within=SETTLE_TIMEOUT, what="the Job is there")
    api.delete(TTS_SERVICE, "hello")
    api.delete(DEPLOYMENT, "hello")  # nobody collects garbage here

    def marks() -> Json:
        marks: Json = only(api, CLAIM)["metadata"]["annotations"]
        return marks

    eventually(lambda: UNUSED_SINCE in marks(), within=SETTLE_TIMEOUT, what="it is marked")
    assert api.list(JOB) == []
    api.declare(cached("again"))
    eventually(lambda: UNUSED_SINCE not in marks(), within=SETTLE_TIMEOUT, what="it is in use")


def test_services_that_differ_are_told(api: Api, operator: OperatorProcess) -> None:
    api.declare(cached("first", storageClassName="fast"))
    settle(api, "first")
    api.declare(cached("second", storageClassName="slow"))

    def told() -> bool:
        conditions = api.require(TTS_SERVICE, "second").get("status", {}).get("conditions", ())
        return any(each["reason"] == "CacheConflict" for each in conditions)

    eventually(told, within=SETTLE_TIMEOUT, what="the second is told of the conflict")
