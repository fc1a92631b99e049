"""Children that somebody else changes back again and again.

Putting a child right is an answer to one change. Where each answer is answered in turn, two
controllers would write as fast as they can, for ever. So what is put back has a budget: a burst for
people and programs that touch a child now and then, and after that a slow pace, and a word in the
status about who it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from speaker_operator.kube.client import FIELD_MANAGER
from speaker_operator.kube.resources import Key
from speaker_operator.reconcile.plan import Apply

BURST: Final = 20
"""How often one manifest is put back as soon as it differs."""
PACE_SECONDS: Final = 30.0
"""After that, the time between two tries; it also adds one to the budget."""
PEACE_SECONDS: Final = 150.0
"""A dispute is over when a child was left alone for so long."""

MOST: Final = 64
"""Of one service, how many disputes are kept apart; older ones are forgotten."""

Owner = tuple[str, str]
"""Namespace and name of a service."""
Subject = tuple[Key, tuple[str, ...]]
"""A child, and which of its fields were changed; none where it was deleted."""


@dataclass
class _Dispute:
    """Some fields of one child, and how often they may be put back."""

    digest: bytes
    budget: float
    since: float
    """When the budget was so."""
    words: str = ""
    """What is told about it, once it is one."""


class Disputes:
    """Remembers what was put back; whoever edits field after field has no dispute.

    Args:
        clock: Seconds that have passed.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_owner: dict[Owner, dict[Subject, _Dispute]] = {}

    def wait_before(self, owner: Owner, action: Apply) -> float:
        """Seconds to wait before the child may be written; 0 if it may be now."""
        dispute = self._known(owner, action)
        return 0.0 if dispute.budget >= 1 else (1 - dispute.budget) * PACE_SECONDS

    def written(self, owner: Owner, action: Apply) -> None:
        """Take in that the child was written."""
        self._known(owner, action).budget -= 1

    def tell(self, owner: Owner, action: Apply, words: str) -> None:
        """Take in what people should know of the dispute; it is told until there is peace."""
        self._known(owner, action).words = words

    def told(self, owner: Owner) -> dict[Key, str]:
        """The disputes of a service that are not over."""
        disputes = self._by_owner.get(owner, {})
        for subject in [subject for subject, each in disputes.items() if self._is_over(each)]:
            del disputes[subject]
        return {key: each.words for (key, _), each in disputes.items() if each.words}

    def forget(self, owner: Owner) -> None:
        """Forget a service that is gone."""
        self._by_owner.pop(owner, None)

    def _known(self, owner: Owner, action: Apply) -> _Dispute:
        """The dispute's entry; a new one where the child is to become something else."""
        disputes = self._by_owner.setdefault(owner, {})
        subject = (action.key, action.fields)
        dispute = disputes.get(subject)
        if dispute is None or dispute.digest != action.digest:
            disputes.pop(subject, None)
            if len(disputes) >= MOST:
                del disputes[next(iter(disputes))]
            dispute = disputes[subject] = _Dispute(action.digest, BURST, self._clock())
        self._refill(dispute)
        return dispute

    def _is_over(self, dispute: _Dispute) -> bool:
        self._refill(dispute)
        if dispute.words:
            return dispute.budget >= PEACE_SECONDS / PACE_SECONDS
        return dispute.budget >= BURST

    def _refill(self, dispute: _Dispute) -> None:
        now = self._clock()
        dispute.budget = min(BURST, dispute.budget + (now - dispute.since) / PACE_SECONDS)
        dispute.since = now


def other_managers(live: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """The field managers, other than the operator, that own any of the fields of an object."""
    return sorted(
        {
            entry["manager"]
            for entry in live["metadata"].get("managedFields", ())
            if entry["manager"] != FIELD_MANAGER
            and any(_overlap(path, each) for path in _paths(entry["fieldsV1"]) for each in fields)
        }
    )


def _paths(fields: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The leaves of a record of fields, written as those of a drift are."""
    for step, below in fields.items():
        if step.startswith("f:"):
            where = f"{path}.{step[2:]}" if path else step[2:]
        elif step.startswith("k:"):
            where = f"{path}[{step[2:]}]"
        else:
            continue
        if below and below.keys() - {"."}:
            yield from _paths(below, where)
        else:
            yield where


def _overlap(one: str, other: str) -> bool:
    """Whether one of the paths is the other, or leads to it."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and long[len(short) :][:1] in ("", ".", "[")
