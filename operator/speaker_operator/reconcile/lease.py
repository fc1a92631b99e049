"""Who leads: what to do about a Lease, decided from what was seen of it. Pure.

Only the local passage of time decides: a lease has run out when it was not *seen* to change for as
long as it lasts. The times that it holds were written by other clocks, and are for people to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from speaker_operator.kube.resources import LEASE, JsonObject

_RELEASED_SECONDS: Final = 1
"""What a lease without a holder lasts: the API server wants a number above 0."""


@dataclass(frozen=True)
class Timing:
    """How long a leader leads without word from the API server."""

    lease_seconds: int
    """After so long without a renewal, others take over."""

    @property
    def deadline_seconds(self) -> float:
        """After so long without a renewal, the leader writes no more.

        What lies between the two is for its last requests to arrive, or to be lost.
        """
        return self.lease_seconds * 2 / 3

    @property
    def grace_seconds(self) -> float:
        """How long the network may hold back what was sent before the deadline."""
        return self.lease_seconds - self.deadline_seconds

    @property
    def retry_seconds(self) -> float:
        """How often the leader renews, and the others look."""
        return self.lease_seconds / 5


@dataclass(frozen=True)
class Sighting:
    """A lease as it was last read, and since when it has been so."""

    spec: Mapping[str, Any] | None = None
    """None if there is none."""
    version: str = ""
    since: float = 0.0

    def renewed_by(self, lease: JsonObject | None, now: float) -> Self:
        """What is known after the lease was read once more.

        A lease that somebody deleted still binds its last holder, who may not know of it yet.
        """
        if lease is None:
            return type(self)(self.spec, "", self.since)
        spec, version = lease.get("spec", {}), lease["metadata"]["resourceVersion"]
        return type(self)(spec, version, self.since if spec == self.spec else now)

    @property
    def holder(self) -> str:
        """Who leads, or led last; empty if nobody does."""
        return str((self.spec or {}).get("holderIdentity") or "")

    @property
    def seconds(self) -> float:
        """How long its holder may lead without a renewal."""
        return float((self.spec or {}).get("leaseDurationSeconds") or 0)


def wait_before_claiming(seen: Sighting, identity: str, timing: Timing, now: float) -> float:
    """Seconds until the lease may be claimed; 0 if it may be now."""
    if seen.holder in ("", identity):
        return 0.0
    return max(0.0, seen.since + max(seen.seconds, timing.lease_seconds) - now)


def claim(seen: Sighting, identity: str, timing: Timing, now: datetime) -> dict[str, Any]:
    """The lease's spec once it is held by ``identity``, or renewed."""
    before, stamp = dict(seen.spec or {}), _timestamp(now)
    transitions = int(before.get("leaseTransitions") or 0)
    if seen.holder != identity:
        before["acquireTime"] = stamp
        transitions += seen.spec is not None
    return before | {
        "holderIdentity": identity,
        "leaseDurationSeconds": timing.lease_seconds,
        "leaseTransitions": transitions,
        "renewTime": stamp,
    }


def released(seen: Sighting, now: datetime) -> dict[str, Any]:
    """The lease's spec once nobody holds it."""
    return dict(seen.spec or {}) | {
        "holderIdentity": "",
        "leaseDurationSeconds": _RELEASED_SECONDS,
        "renewTime": _timestamp(now),
    }


def manifest(namespace: str, name: str, spec: Mapping[str, Any], version: str) -> JsonObject:
    """The Lease to write; with a version, it replaces that one and no other."""
    metadata = {"namespace": namespace, "name": name}
    return {
        "apiVersion": LEASE.api_version,
        "kind": LEASE.kind,
        "metadata": metadata | ({"resourceVersion": version} if version else {}),
        "spec": dict(spec),
    }


def _timestamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
