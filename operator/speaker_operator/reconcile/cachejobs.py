"""What is to be done about the Job that fills a model cache. Pure: it only decides.

A failed Job is tried again later and later, and at once when what it is made from has changed: the
spec, or the Secret that it names. A Job that has done its work is left alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from speaker_operator.kube.resources import JsonObject
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.drift import drift
from speaker_operator.reconcile.plan import is_ending
from speaker_operator.reconcile.stock import Shelf, attempt_of, condition_time, holds
from speaker_operator.render.labels import ATTEMPT, JOB_HASH
from speaker_operator.render.metadata import Manifest

_LONGEST_END: Final = timedelta(seconds=60)
"""How long a pod that is told to end is waited for: one on a lost node may never end."""
_LOOK_AGAIN_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Step:
    """What is to be done, in this order."""

    remove: bool = False
    """Delete the present Job."""
    apply: Manifest | None = None
    """Make it so; a Job that is there has its template already."""
    again_after: float | None = None
    """Look again after so many seconds, whatever happens until then."""


_NOTHING: Final = Step()


def next_step(shelf: Shelf, desired: Manifest, backoff: Backoff, now: datetime) -> Step:
    """Decide.

    Args:
        shelf: The cache, with what was observed of it.
        desired: The Job as it is first tried.
        backoff: How long a failed one waits.
        now: The time.
    """
    job = shelf.job
    if job is not None and is_ending(job):
        return _NOTHING
    if _lacks_volume(shelf):
        return _NOTHING if job is None else Step(remove=True)  # which keeps the claim from ending
    if shelf.filling is not None:
        return _NOTHING
    if job is None:
        ends = _last_end(shelf.pods, now)
        return Step(apply=desired) if ends is None else Step(again_after=ends)
    return _continued(shelf, job, desired, backoff, now)


def _continued(
    shelf: Shelf, job: JsonObject, desired: Manifest, backoff: Backoff, now: datetime
) -> Step:
    same = job["metadata"].get("annotations", {}).get(JOB_HASH)
    changed = same != desired["metadata"]["annotations"][JOB_HASH] or not shelf.is_current
    if changed or holds(job, "Complete"):
        return Step(remove=True)
    attempt, failed_at = attempt_of(job), condition_time(job, "Failed")
    if failed_at is None:
        present = _attempt(desired, attempt)
        return Step(apply=present) if drift(present, job) else _NOTHING
    due = _read(failed_at, now) + timedelta(seconds=backoff.delay(attempt))
    if due > now:
        return Step(again_after=(due - now).total_seconds())
    return Step(remove=True, apply=_attempt(desired, attempt + 1))


def _lacks_volume(shelf: Shelf) -> bool:
    if shelf.cache.place.kind != "shared":
        return False
    return shelf.claim is None or is_ending(shelf.claim)


def _attempt(desired: Manifest, number: int) -> Manifest:
    metadata = desired["metadata"]
    annotations = {**metadata["annotations"], ATTEMPT: str(number)}
    return {**desired, "metadata": {**metadata, "annotations": annotations}}


def _last_end(pods: Iterable[JsonObject], now: datetime) -> float | None:
    """How soon to look again whether an earlier fetch has ended; None if none is left."""
    for pod in pods:
        if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            continue
        ending = pod["metadata"].get("deletionTimestamp")
        if ending is None or now - _read(ending, now) < _LONGEST_END:
            return _LOOK_AGAIN_SECONDS
    return None


def _read(time: str, now: datetime) -> datetime:
    return datetime.fromisoformat(time) if time else now
