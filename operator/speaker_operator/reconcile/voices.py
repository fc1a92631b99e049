"""How each voice fares in the services that select it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from speaker_operator.api.v1alpha1 import Voice
from speaker_operator.api.v1alpha1.status import VoiceServiceStatus, VoiceStatus
from speaker_operator.reconcile.conditions import Finding, conditions, count
from speaker_operator.render.voices import Assignment

ServiceName = tuple[str, str]
"""Namespace and name of a service."""

_LISTED_SERVICES = 64


@dataclass(frozen=True)
class VoiceState:
    """How a voice fares in one service."""

    service: str
    state: Literal["Ready", "Pending", "Failed"]
    reason: str
    message: str | None = None


def voice_states(
    service: str, assignments: Iterable[Assignment], *, serving: bool
) -> dict[str, VoiceState]:
    """The states of a service's voices; ``serving``: whether its pods are up to date and serve."""
    return {
        assignment.name: _state(service, assignment, serving=serving) for assignment in assignments
    }


def _state(service: str, assignment: Assignment, *, serving: bool) -> VoiceState:
    if assignment.problem is not None:
        problem = assignment.problem
        return VoiceState(service, "Failed", problem.reason, problem.message)
    if not serving:
        return VoiceState(
            service, "Pending", "RollingOut", "the service's pods are not up to date and serving"
        )
    return VoiceState(service, "Ready", "Served")


class VoiceBook:
    """What every service last said about its voices."""

    def __init__(self) -> None:
        self._states: dict[ServiceName, Mapping[str, VoiceState]] = {}

    def record(self, service: ServiceName, states: Mapping[str, VoiceState]) -> set[str] | None:
        """Keep a service's word; returns the voices it changes for, None if it is the first."""
        before = self._states.get(service)
        self._states[service] = states
        if before is None:
            return None
        return {name for name in {*before, *states} if before.get(name) != states.get(name)}

    def forget(self, service: ServiceName) -> set[str] | None:
        """Forget a service that is gone; returns the voices that it had, None if it never spoke."""
        states = self._states.pop(service, None)
        return None if states is None else set(states)

    def knows(self, services: Iterable[ServiceName]) -> bool:
        """Whether all these services have had their say."""
        return all(service in self._states for service in services)

    def of_voice(self, namespace: str, name: str) -> list[VoiceState]:
        """What the services of the namespace say about a voice, by the services' names."""
        return [
            states[name]
            for service, states in sorted(self._states.items())
            if service[0] == namespace and name in states
        ]


def voice_status(voice: Voice, states: Iterable[VoiceState], now: datetime) -> VoiceStatus:
    """Compute a voice's whole status."""
    states = list(states)
    return VoiceStatus(
        observed_generation=voice.metadata.generation,
        service_count=len(states),
        services=tuple(
            VoiceServiceStatus(name=state.service, state=state.state, message=state.message)
            for state in states[:_LISTED_SERVICES]
        ),
        conditions=conditions(
            (_accepted(states), _ready(states)),
            voice.status.conditions,
            generation=voice.metadata.generation,
            now=now,
        ),
    )


def _accepted(states: list[VoiceState]) -> Finding:
    for state in states:
        if state.state == "Failed":
            return Finding("Accepted", "False", state.reason, f"{state.service}: {state.message}")
    return Finding("Accepted", "True", "Accepted", "Nothing is wrong with the voice.")


def _ready(states: list[VoiceState]) -> Finding:
    if not states:
        return Finding(
            "Ready",
            "False",
            "NotSelected",
            "No TTSService of the namespace selects this voice: make one, or look at the voice's "
            "labels and the services' spec.voices.selector.",
        )
    for wanted in ("Failed", "Pending"):
        for state in states:
            if state.state == wanted:
                message = f"{state.service}: {state.message}"
                return Finding("Ready", "False", state.reason, message)
    return Finding("Ready", "True", "Served", f"Served by {count(len(states), 'service')}.")
