"""Carry a plan out, and say what could not be done."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import ConflictError, KubeError, NamespaceEndingError
from speaker_operator.kube.resources import JsonObject, Key, resource_of
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reasons import Reason
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

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What an attempt to carry out a plan left undone."""

    problems: tuple[Problem, ...]
    """What people must know: it will not go away by itself soon."""
    errors: tuple[KubeError, ...]
    """Every refused request; the plan has to be tried again."""
    undone: frozenset[str]
    """Kinds of the children that are not as planned."""
    ending: bool
    """Whether the namespace is on its way out, so that nothing is left to be done."""


class Applier:
    """Writes children; every answer of the API server is handed to ``observe`` at once."""

    def __init__(
        self, client: KubeClient, observe: Callable[[JsonObject], None], metrics: OperatorMetrics
    ) -> None:
        self._client = client
        self._observe = observe
        self._metrics = metrics

    async def carry_out(self, actions: Iterable[Action], owner_uid: str) -> Outcome:
        """Try every action: one that fails does not keep the others from being done."""
        problems: list[Problem] = []
        errors: list[KubeError] = []
        undone: set[str] = set()
        for action in actions:
            try:
                await self._do(action, owner_uid)
            except NamespaceEndingError:
                return Outcome((), (), frozenset(), ending=True)
            except KubeError as error:
                errors.append(error)
                undone.add(action.key.kind)
                if not error.transient:
                    problems.append(_problem(action, error))
        return Outcome(tuple(problems), tuple(errors), frozenset(undone), ending=False)

    async def _do(self, action: Action, owner_uid: str) -> None:
        match action:
            case Apply():
                await self._apply(action, owner_uid)
            case KeepReplicas(manifest):
                self._observe(await self._client.apply(manifest, manager=HANDOVER_MANAGER))
            case TakeOver(key, path):
                await self._take_over(key, path)
            case Delete(key, uid):
                resource = resource_of({"kind": key.kind})
                await self._client.delete(resource, key.namespace, key.name, uid)
                self._metrics.child_writes.labels(key.kind, "delete").inc()
                logger.info("Deleted %s", key, extra={"k8s_ref": key._asdict()})

    async def _apply(self, action: Apply, owner_uid: str) -> None:
        key = action.key
        if action.live is None:
            applied = await self._make(action, owner_uid)
        else:
            applied = await self._client.apply(action.manifest)
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

    async def _make(self, action: Apply, owner_uid: str) -> JsonObject:
        """Make a child; an object of its name may exist unobserved: it lacks the operator's label.

        The API server says so, in the same request: looking first would take another one.
        """
        try:
            return await self._client.make(action.manifest)
        except ConflictError:
            await self._refuse_to_seize(action, owner_uid)
            return await self._client.apply(action.manifest)

    async def _take_over(self, key: Key, path: tuple[str, ...]) -> None:
        resource = resource_of({"kind": key.kind})
        live = await self._client.read(resource, key.namespace, key.name)
        patch = [] if live is None else take_over(live, path)
        if patch:
            await self._client.json_patch(resource, key.namespace, key.name, patch)

    async def _refuse_to_seize(self, action: Apply, owner_uid: str) -> None:
        """Raise a ``KubeError`` unless the object of the child's name may become the child."""
        key = action.key
        found = await self._client.read(resource_of(action.manifest), key.namespace, key.name)
        if found is None:
            return
        if is_ending(found):
            raise ConflictError(f"{key} is on its way out")
        if not (is_controlled(found, owner_uid) or _is_labelled(found, action.manifest)):
            raise NameTakenError("the name is taken by an object that is not this service's")


class NameTakenError(KubeError):
    """A child's name belongs to an object that the operator did not make."""

    reason = Reason.NAME_TAKEN


class UnenforcedError(KubeError):
    """What was applied did not come out as applied."""

    reason = Reason.UNENFORCED


def _is_labelled(found: JsonObject, manifest: JsonObject) -> bool:
    labels = found["metadata"].get("labels", {})
    wanted = manifest["metadata"]["labels"]
    return bool(labels.get(MANAGED_BY) == MANAGER and labels.items() >= wanted.items())


def _problem(action: Action, error: KubeError) -> Problem:
    key = action.key
    return Problem(error.reason, error.reason.told(f"{key.kind} {key.name}: {error}"))
