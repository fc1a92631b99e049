"""Carry a plan out, and say what could not be done."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ConflictError, KubeError, NamespaceEndingError
from speaker_operator.kube.resources import JsonObject, Key, resource_of
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.disputes import PACE_SECONDS, Disputes, Owner, other_managers
from speaker_operator.reconcile.drift import drift
from speaker_operator.reconcile.ownership import take_over
from speaker_operator.reconcile.plan import (
    HANDOVER_MANAGER,
    Action,
    Apply,
    Delete,
    KeepReplicas,
    Problem,
    TakeOver,
    is_controlled,
    is_ending,
)
from speaker_operator.render.labels import MANAGED_BY, MANAGER
from speaker_operator.render.metadata import Manifest

logger = logging.getLogger(__name__)

_LOOKS: Final = 3
"""How often a child that changes all the time is looked at again before a change of it waits."""


@dataclass(frozen=True)
class Outcome:
    """What an attempt to carry out a plan left undone."""

    problems: tuple[Problem, ...]
    """What people must know: it will not go away by itself soon."""
    errors: tuple[KubeError, ...]
    """Every refused request; the plan has to be tried again."""
    undone: frozenset[str]
    """Kinds of the children that are not as planned."""
    written: bool
    """Whether a child was written: others have yet to say what they make of it."""
    ending: bool
    """Whether the namespace is on its way out, so that nothing is left to be done."""
    again_in: float | None = None
    """Seconds after which to look again, where a child is disputed."""


class Applier:
    """Writes children; every answer of the API server is handed to ``observe`` at once."""

    def __init__(
        self, client: KubeClient, observe: Callable[[JsonObject], None], metrics: OperatorMetrics
    ) -> None:
        self._client = client
        self._observe = observe
        self._metrics = metrics
        self._disputes = Disputes(time.monotonic)

    def forget(self, owner: Owner) -> None:
        """Forget a service that is gone."""
        self._disputes.forget(owner)

    async def carry_out(self, actions: Iterable[Action], owner: Owner, owner_uid: str) -> Outcome:
        """Try every action: one that fails does not keep the others from being done.

        Args:
            actions: In this order.
            owner: The service whose children they concern.
            owner_uid: Its uid.
        """
        problems: list[Problem] = []
        errors: list[KubeError] = []
        undone: set[str] = set()
        written = False
        versions: dict[Key, str] = {}
        planned = tuple(actions)
        waiting = await self._left_alone(planned, owner)
        for action in planned:
            if action.key in waiting:
                undone.add(action.key.kind)
                continue
            try:
                await self._do(action, owner_uid, versions)
                if isinstance(action, Apply):
                    written = True
                    self._disputes.written(owner, action)
            except NamespaceEndingError:
                return Outcome((), (), frozenset(), written=False, ending=True)
            except KubeError as error:
                errors.append(error)
                undone.add(action.key.kind)
                if not error.transient:
                    problems.append(_problem(action, error))
        disputed = self._disputes.told(owner)
        problems += [Problem(Reason.CONTESTED, words) for words in disputed.values()]
        return Outcome(
            tuple(problems),
            tuple(errors),
            frozenset(undone),
            written=written,
            ending=False,
            again_in=PACE_SECONDS if disputed else None,
        )

    async def _left_alone(self, actions: Iterable[Action], owner: Owner) -> set[Key]:
        """The children that are not written now, because somebody keeps changing them back."""
        waiting: set[Key] = set()
        for action in actions:
            if isinstance(action, Apply) and self._disputes.wait_before(owner, action):
                waiting.add(action.key)
                if action.key not in self._disputes.told(owner):
                    self._disputes.tell(owner, action, await self._dispute(action))
        return waiting

    async def _dispute(self, action: Apply) -> str:
        """What to tell of a child that somebody keeps changing back."""
        key, fields = action.key, action.fields
        if not fields:
            return Reason.CONTESTED.told(f"{key.kind} {key.name} is deleted again and again")
        resource = resource_of(action.manifest)
        try:
            live = await self._client.read(resource, key.namespace, key.name)
        except KubeError as error:
            logger.warning("Not known who changes %s: %s", key, error)
            live = None
        names = [] if live is None else other_managers(live, fields)
        return Reason.CONTESTED.told(
            f"{key.kind} {key.name}: {', '.join(fields[:4])} is changed back again and again, by "
            f"{' and '.join(names[:3]) or 'somebody who owns no field of it now'}"
        )

    async def _do(self, action: Action, owner_uid: str, versions: dict[Key, str]) -> None:
        """Carry out one action; ``versions`` has those of what earlier ones have written."""
        match action:
            case Apply():
                await self._apply(action, owner_uid, versions)
            case KeepReplicas(manifest):
                kept = await self._client.apply(manifest, manager=HANDOVER_MANAGER)
                versions[action.key] = kept["metadata"]["resourceVersion"]
                self._observe(kept)
            case TakeOver(key, path):
                taken = await self._take_over(key, path)
                if taken is not None:
                    versions[key] = taken["metadata"]["resourceVersion"]
            case Delete(key, uid, version):
                resource = resource_of({"kind": key.kind})
                await self._client.delete(resource, key.namespace, key.name, uid, version)
                self._metrics.child_writes.labels(key.kind, "delete").inc()
                logger.info("Deleted %s", key, extra={"k8s_ref": key._asdict()})

    async def _apply(self, action: Apply, owner_uid: str, versions: dict[Key, str]) -> None:
        key = action.key
        if action.live is None:
            applied = await self._make(action, owner_uid)
        else:  # what was compared must still be so: somebody else may know better by now
            seen = action.live["metadata"]["resourceVersion"]
            applied = await self._change(action, owner_uid, versions.get(key, seen))
        versions[key] = applied["metadata"]["resourceVersion"]
        self._metrics.child_writes.labels(key.kind, "apply").inc()
        logger.info(
            "Applied %s: %s",
            key,
            ", ".join(action.fields[:8]) or "it was missing",
            extra={"k8s_ref": key._asdict()},
        )
        self._observe(applied)
        remaining = drift(action.manifest, applied)
        if remaining:
            raise UnenforcedError(
                f"the API server, or an admission webhook, does not keep {', '.join(remaining[:8])}"
            )

    async def _change(self, action: Apply, owner_uid: str, version: str) -> JsonObject:
        """Change a child that is as it was seen.

        A child whose status moves on, as that of a Deployment in a rollout does, is ahead of what
        has been observed of it: it is looked at again at once, a few times.
        """
        for _ in range(_LOOKS):
            try:
                return await self._client.apply(_of_version(action.manifest, version))
            except ConflictError:
                version = await self._seizable(action, owner_uid)
        return await self._client.apply(_of_version(action.manifest, version))

    async def _make(self, action: Apply, owner_uid: str) -> JsonObject:
        """Make a child; an object of its name may exist unobserved: it lacks the operator's label.

        The API server says so, in the same request: looking first would take another one.
        """
        try:
            return await self._client.make(action.manifest)
        except ConflictError:
            version = await self._seizable(action, owner_uid)
            return await self._client.apply(_of_version(action.manifest, version))

    async def _take_over(self, key: Key, path: tuple[str, ...]) -> JsonObject | None:
        resource = resource_of({"kind": key.kind})
        live = await self._client.read(resource, key.namespace, key.name)
        patch = [] if live is None else take_over(live, path)
        if not patch:
            return live
        return await self._client.json_patch(resource, key.namespace, key.name, patch)

    async def _seizable(self, action: Apply, owner_uid: str) -> str:
        """The version of the object of the child's name, which may become the child.

        Raises a ``KubeError`` if it may not.
        """
        key = action.key
        found = await self._client.read(resource_of(action.manifest), key.namespace, key.name)
        if found is None:
            raise ConflictError(f"{key} was there a moment ago")
        if is_ending(found):
            raise ConflictError(f"{key} is on its way out")
        if not (is_controlled(found, owner_uid) or _is_labelled(found, action.manifest)):
            raise NameTakenError("the name is taken by an object that is not this service's")
        return str(found["metadata"]["resourceVersion"])


class NameTakenError(KubeError):
    """A child's name belongs to an object that the operator did not make."""

    reason = Reason.NAME_TAKEN


class UnenforcedError(KubeError):
    """What was applied did not come out as applied."""

    reason = Reason.UNENFORCED


def _of_version(manifest: Manifest, version: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}


def _is_labelled(found: JsonObject, manifest: JsonObject) -> bool:
    labels = found["metadata"].get("labels", {})
    wanted = manifest["metadata"]["labels"]
    return bool(labels.get(MANAGED_BY) == MANAGER and labels.items() >= wanted.items())


def _problem(action: Action, error: KubeError) -> Problem:
    key = action.key
    return Problem(error.reason, error.reason.told(f"{key.kind} {key.name}: {error}"))
