"""Everything that a service's status depends on, and what follows from it at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.status import (
    RouteStatus,
)
from speaker_operator.kube.resources import (
    AUTOSCALER,
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    SCALED_OBJECT,
    SERVICE,
    JsonObject,
    Resource,
)
from speaker_operator.reconcile.failures import Failure, current_pods, first_failure
from speaker_operator.reconcile.hearing import Hearing
from speaker_operator.reconcile.holding import Release
from speaker_operator.reconcile.plan import Problem
from speaker_operator.reconcile.rollout import Rollout, blindness, read_rollout
from speaker_operator.reconcile.routestates import (
    route_states,
)
from speaker_operator.reconcile.stock import Stock
from speaker_operator.reconcile.voices import VoiceState, voice_states
from speaker_operator.render.gpu import Devices
from speaker_operator.render.routes import Route
from speaker_operator.render.voices import Assignment

_SERVING_KINDS: Final = frozenset({CONFIG_MAP.kind, SERVICE.kind, DEPLOYMENT.kind})


@dataclass(frozen=True)
class Observation:
    """Everything that a service's status depends on."""

    service: TTSService
    assignments: Sequence[Assignment]
    objects: Sequence[JsonObject]
    """The service's children and their pods."""
    problems: Sequence[Problem]
    """Children that could not be made as rendered."""
    undone: frozenset[str]
    """Kinds of the children that could not be written just now."""
    devices: Devices
    """What the pods speak on."""
    hearing: Hearing
    """What the pods say about their voices."""
    now: datetime
    routes: Sequence[Route] = ()
    """What is behind it, of a gateway."""
    stock: Stock | None = None
    """The state of the cache that a Job fills; None if the pods fetch the model themselves."""
    release: Release = "released"
    """Whether the pods may have the model yet."""

    @cached_property
    def rollout(self) -> Rollout:
        """How far the Deployment is."""
        return read_rollout(self.service, self._child(DEPLOYMENT))

    @property
    def blindness(self) -> str:
        """Why the autoscaler cannot scale; empty if it can, or there is none."""
        if self.service.autoscaling is None:
            return ""
        return blindness(self._child(AUTOSCALER), self._child(SCALED_OBJECT))

    def _child(self, resource: Resource) -> JsonObject | None:
        found = (each for each in self.objects if each["kind"] == resource.kind)
        return next(found, None)

    @cached_property
    def pods(self) -> list[JsonObject]:
        """The pods of the present spec."""
        return current_pods(self.objects)

    @cached_property
    def failure(self) -> Failure | None:
        """What keeps the first pod from serving."""
        claims = [each for each in self.objects if each["kind"] == CLAIM.kind]
        return first_failure(self.pods, claims)

    @property
    def in_effect(self) -> bool:
        """Whether the whole spec is in effect."""
        released = self.release == "released"
        return released and not self.problems and not self.undone and self.rollout.complete

    @property
    def reaches_somebody(self) -> bool:
        """Whether a gateway can hand requests on at all."""
        return any(state.state == "Ready" for state in self.route_states)

    @property
    def heard(self) -> Hearing:
        """What the pods say that can be reached, and came up with what is written."""
        return self.hearing if self.undone.isdisjoint(_SERVING_KINDS) else Hearing()

    @cached_property
    def route_states(self) -> tuple[RouteStatus, ...]:
        """How everything behind a gateway fares."""
        return route_states(self.routes, self.heard)

    @cached_property
    def voice_states(self) -> dict[str, VoiceState]:
        """How each selected voice fares, by name."""
        return voice_states(self.service.metadata.name, self.assignments, self.heard)
