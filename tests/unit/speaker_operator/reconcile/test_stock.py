"""The state of a model cache, and what is to be done about its Job."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speaker_operator.reasons import Reason
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.cachejobs import Step, next_step
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.stock import Progress, Shelf, take_stock
from speaker_operator.render.caches import ModelCache, model_cache
from speaker_operator.render.claim import shared_claim
from speaker_operator.render.fetchjob import fetch_job
from speaker_operator.render.labels import ATTEMPT
from speaker_runtime.contract import ExitCode, FetchReport
from tests.unit.speaker_operator.factories import SETTINGS, Json, service
from tests.unit.speaker_operator.reconcile.cluster_state import as_applied, ended, waiting

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BACKOFF = Backoff(base_seconds=10, cap_seconds=60)
REPORT = FetchReport(digest=f"sha256:{'a' * 64}", bytes=107)
RUNNING: Json = {"state": {"running": {}}}
DONE = {"state": {"terminated": {"exitCode": 0, "message": REPORT.to_json()}}}


def cache(**spec: Any) -> ModelCache:
    found = model_cache(
        [service(**{"backend": "kokoro", "cache": {"size": "2Gi"}, **spec})], SETTINGS.images
    )
    assert found is not None
    return found


def claim(of: ModelCache) -> Json:
    manifest = shared_claim(of, None)
    assert manifest is not None
    return as_applied(manifest)


def desired(of: ModelCache, secret: str = "") -> Json:
    return fetch_job(of, SETTINGS, claim_uid=uid_of_claim(of), secret=secret)


def uid_of_claim(of: ModelCache) -> str:
    return "" if of.place.kind == "existing" else "uid-of-PersistentVolumeClaim"


def job(of: ModelCache, *, attempt: int = 1, **conditions: str) -> Json:
    """The Job, with these conditions since these times."""
    made = as_applied(desired(of))
    made["metadata"]["annotations"][ATTEMPT] = str(attempt)
    told = [
        {"type": name, "status": "True", "lastTransitionTime": time, "reason": "X", "message": "y"}
        for name, time in conditions.items()
    ]
    made["status"] = {"conditions": told}
    if "Complete" in conditions:
        made["status"]["completionTime"] = conditions["Complete"]
    return made


def pod(of: ModelCache, fetch: Json, *, phase: str = "Running", **status: Any) -> Json:
    template = desired(of)["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "model-1",
            "namespace": "speech",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": template["metadata"]["labels"],
            "ownerReferences": [{"uid": "uid-of-Job"}],
        },
        "spec": template["spec"],
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "model-fetch", "ready": False, **fetch}],
            **status,
        },
    }


def shelf(of: ModelCache, *objects: Json, **given: Any) -> Shelf:
    return Shelf(of, objects, **given)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def state(of: ModelCache, *objects: Json, **given: Any) -> tuple[str, Reason]:
    stock = take_stock(shelf(of, *objects, **given))
    return stock.state, stock.reason


def step(of: ModelCache, *objects: Json, secret: str = "", **given: Any) -> Step:
    return next_step(shelf(of, *objects, **given), desired(of, secret), BACKOFF, NOW)


def test_a_download_begins_goes_on_and_ends() -> None:
    of = cache()
    assert state(of) == ("Pending", Reason.PENDING)
    assert state(of, claim(of), job(of)) == ("Pending", Reason.PENDING)
    under_way = shelf(of, claim(of), job(of), pod(of, RUNNING), progress=Progress(5, 10))
    assert take_stock(under_way).state == "Downloading"
    assert take_stock(under_way).progress == (5, 10)
    done = pod(of, DONE, phase="Succeeded")
    complete = take_stock(shelf(of, claim(of), job(of, Complete=ago(1)), done))
    assert (complete.state, complete.report) == ("Ready", REPORT)


def test_the_claim_remembers_when_the_job_is_gone() -> None:
    of = cache()
    filling = shelf(of, claim(of), job(of, Complete=ago(1)), pod(of, DONE)).filling
    remembered = shared_claim(of, filling)
    assert remembered is not None
    stock = take_stock(shelf(of, as_applied(remembered)))
    assert (stock.state, stock.report) == ("Ready", REPORT)
    assert step(of, as_applied(remembered)) == Step()


@pytest.mark.parametrize("kind", ["another content", "another claim"])
def test_what_was_filled_for_something_else_does_not_count(kind: str) -> None:
    of, found = cache(), claim(cache())
    made = job(of, Complete=ago(1))
    if kind == "another claim":
        found["metadata"]["uid"] = "another"
    else:
        of = cache(image="registry.test/own:2")
    assert state(of, found, made) == ("Pending", Reason.PENDING)
    assert step(of, found, made) == Step(remove=True)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (ExitCode.MODEL_UNAVAILABLE, Reason.MODEL_UNAVAILABLE),
        (ExitCode.MODEL_CORRUPT, Reason.MODEL_CORRUPT),
        (ExitCode.NO_SPACE, Reason.NO_SPACE),
        (ExitCode.LICENSE_NOT_ACCEPTED, Reason.LICENSE_NOT_ACCEPTED),
        (ExitCode.LOGIN_REFUSED, Reason.LOGIN_REFUSED),
    ],
)
def test_a_failed_download_says_why_and_that_it_is_tried_again(
    code: ExitCode, reason: Reason
) -> None:
    of = cache()
    failed = pod(of, ended(code, "last words"), phase="Failed")
    stock = take_stock(shelf(of, claim(of), job(of, attempt=3, Failed=ago(1)), failed))
    assert (stock.state, stock.reason) == ("Failed", reason)
    assert "last words" in stock.message
    assert reason.remedy in stock.message
    assert "tried 3 times, and again" in stock.message
    assert stock.failure is not None


def test_a_job_that_failed_without_a_pod_says_what_it_can() -> None:
    of = cache()
    made = job(of, Failed=ago(1))
    assert state(of, claim(of), made) == ("Failed", Reason.FETCH_FAILED)
    made["status"]["conditions"][0]["reason"] = "DeadlineExceeded"
    assert state(of, claim(of), made) == ("Failed", Reason.DEADLINE_EXCEEDED)


def test_what_keeps_the_pod_from_beginning_is_told() -> None:
    of = cache()
    lacks = waiting("CreateContainerConfigError", 'secret "token" not found')
    assert state(of, claim(of), job(of), pod(of, lacks)) == ("Failed", Reason.SECRET_NOT_FOUND)
    condition = {
        "type": "PodScheduled",
        "reason": "Unschedulable",
        "message": "pod has unbound immediate PersistentVolumeClaims",
    }
    stuck = pod(of, {}, phase="Pending", conditions=[condition], containerStatuses=[])
    assert state(of, claim(of), job(of), stuck) == ("Failed", Reason.NO_STORAGE_CLASS)
    classed = cache(cache={"storageClassName": "slow"})
    found = state(classed, claim(classed), job(classed), stuck)
    assert found == ("Pending", Reason.CACHE_PENDING)


def test_a_claim_that_cannot_be_made_is_told() -> None:
    of = cache()
    problem = Problem(Reason.FORBIDDEN, "exceeded quota")
    assert state(of, problem=problem) == ("Failed", Reason.FORBIDDEN)


def test_the_job_waits_for_the_claim() -> None:
    of = cache()
    assert step(of) == Step()
    assert step(of, claim(of)) == Step(apply=desired(of))
    existing = cache(cache={"existingClaim": "models"})
    assert step(existing) == Step(apply=desired(existing))


def test_a_job_at_work_is_left_alone_but_for_what_people_change() -> None:
    of = cache()
    assert step(of, claim(of), job(of), pod(of, RUNNING)) == Step()
    edited = job(of)
    edited["spec"]["suspend"] = True
    assert step(of, claim(of), edited) == Step(apply=desired(of))


def test_a_failed_job_is_tried_later_and_later_within_bounds() -> None:
    of = cache()
    waits = []
    for attempt in range(1, 6):
        again = step(of, claim(of), job(of, attempt=attempt, Failed=ago(0))).again_after
        waits.append(again)
    assert waits == [10, 20, 40, 60, 60]
    due = step(of, claim(of), job(of, attempt=2, Failed=ago(21)))
    assert due.remove
    assert due.apply is not None
    assert due.apply["metadata"]["annotations"][ATTEMPT] == "3"


def test_a_changed_secret_or_spec_has_it_tried_at_once_from_the_beginning() -> None:
    of = cache()
    failed = job(of, attempt=5, Failed=ago(0))
    assert step(of, claim(of), failed, secret="uid/2") == Step(remove=True)
    assert step(of, claim(of)) == Step(apply=desired(of))
    larger = cache(cache={"size": "3Gi"})
    assert step(larger, claim(of), failed) == Step(remove=True)


def test_two_downloads_never_run_side_by_side() -> None:
    of = cache()
    leaving = pod(of, RUNNING)
    leaving["metadata"]["deletionTimestamp"] = ago(-5)
    assert step(of, claim(of), leaving).again_after is not None
    leaving["metadata"]["deletionTimestamp"] = ago(61)
    assert step(of, claim(of), leaving) == Step(apply=desired(of)), "its node is lost"
    assert step(of, claim(of), pod(of, DONE, phase="Succeeded")) == Step(apply=desired(of))


def test_a_claim_on_its_way_out_is_let_go() -> None:
    of = cache()
    leaving = claim(of)
    leaving["metadata"]["deletionTimestamp"] = ago(1)
    assert step(of, leaving, job(of)) == Step(remove=True)
    assert step(of, leaving) == Step()
    assert "on its way out" in take_stock(shelf(of, leaving, job(of))).message


def test_what_a_pod_finds_missing_is_fetched_again() -> None:
    of = cache()
    done = (claim(of), job(of, Complete=ago(60)), pod(of, DONE, phase="Succeeded"))
    assert state(of, *done, doubted_at=ago(61)) == ("Ready", Reason.FETCHED)
    assert state(of, *done, doubted_at=ago(1))[0] != "Ready"
    assert step(of, *done, doubted_at=ago(1)) == Step(remove=True)
