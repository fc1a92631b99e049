"""How each voice fares in the services that select it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from speaker_operator.api.v1alpha1 import Voice
from speaker_operator.api.v1alpha1.status import VoiceServiceStatus, VoiceStatus
from speaker_operator.reasons import Reason
from speaker_operator.reconcile.conditions import Finding, conditions, count
from speaker_operator.reconcile.hearing import Hearing, Trouble
from speaker_operator.render.voices import Assignment

ServiceName = tuple[str, str]
"""Namespace and name of a service."""
VoiceName = tuple[str, str]
"""Namespace and name of a voice."""

_LISTED_SERVICES = 64


@dataclass(frozen=True)
class VoiceState:
    """How a voice fares in one service."""

    service: str
    generation: int
    """Of the Voice that the service speaks of."""
    state: Literal["Ready", "Pending", "Failed"]
    reason: Reason
    message: str | None = None


def voice_states(
    service: str, assignments: Iterable[Assignment], hearing: Hearing
) -> dict[str, VoiceState]:
    """The states of a service's voices, from what its pods have said."""
    return {assignment.name: _state(service, assignment, hearing) for assignment in assignments}


def _state(service: str, assignment: Assignment, hearing: Hearing) -> VoiceState:
    name, generation = assignment.name, assignment.voice.metadata.generation
    if assignment.problem is not None:
        problem = assignment.problem
        return VoiceState(service, generation, "Failed", problem.reason, problem.message)
    if not hearing.said:
        return VoiceState(
            service, generation, "Pending", Reason.ROLLING_OUT, "no pod of the service serves yet"
        )
    refusal = hearing.refusal(name)
    if refusal is not None and not refusal.is_passing:
        reason, message = refusal
        return VoiceState(service, generation, "Failed", reason, reason.told(message))
    lacking = hearing.lacking(name)
    if lacking is not None:
        pod, trouble = lacking
        return VoiceState(service, generation, "Pending", trouble.reason, untaken(pod, trouble))
    if refusal is not None:
        return VoiceState(service, generation, "Pending", *refusal)
    return VoiceState(service, generation, "Ready", Reason.SERVED)


def untaken(pod: str, trouble: Trouble) -> str:
    """Why a pod has not taken the voices, and what to do, in words."""
    return trouble.reason.told(f"pod {pod} has other voices than declared: {trouble.message}")


class VoiceBook:
    """What every service last said about its voices."""

    def __init__(self) -> None:
        self._pages: dict[ServiceName, Mapping[str, VoiceState]] = {}
        """By service: what it said of each voice."""
        self._words: dict[VoiceName, dict[ServiceName, VoiceState]] = defaultdict(dict)
        """By voice: what each service said of it."""

    def record(self, service: ServiceName, states: Mapping[str, VoiceState]) -> set[str]:
        """Keep a service's word; returns the voices for which it is news."""
        before = self._pages.get(service, {})
        self._pages[service] = states
        news = {name for name in {*before, *states} if before.get(name) != states.get(name)}
        for name in news:
            voice = (service[0], name)
            if name in states:
                self._words[voice][service] = states[name]
            else:
                del self._words[voice][service]
                if not self._words[voice]:
                    del self._words[voice]
        return news

    def forget(self, service: ServiceName) -> set[str]:
        """Forget a service that is gone; returns the voices that it had."""
        news = self.record(service, {})
        del self._pages[service]
        return news

    def knows(self, selecting: Iterable[ServiceName], voice: Voice) -> bool:
        """Whether those that select the voice, and only those, speak of it as it is now."""
        words = self._words.get((voice.metadata.namespace, voice.metadata.name), {})
        current = voice.metadata.generation
        return words.keys() == set(selecting) and all(
            word.generation == current for word in words.values()
        )

    def of_voice(self, namespace: str, name: str) -> list[VoiceState]:
        """What the services say about a voice, by the services' names."""
        words = self._words.get((namespace, name), {})
        return [words[service] for service in sorted(words)]


def voice_status(voice: Voice, states: Iterable[VoiceState], now: datetime) -> VoiceStatus:
    """Compute a voice's whole status."""
    states = list(states)
    return VoiceStatus(
        observed_generation=voice.metadata.generation,
        service_count=len(states),
        services=tuple(
            VoiceServiceStatus(
                name=state.service,
                state=state.state,
                reason=None if state.state == "Ready" else state.reason,
                message=state.message,
            )
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
    return Finding("Accepted", "True", Reason.ACCEPTED, "Nothing is wrong with the voice.")


def _ready(states: list[VoiceState]) -> Finding:
    if not states:
        return Finding(
            "Ready",
            "False",
            Reason.NOT_SELECTED,
            "No TTSService of the namespace selects this voice: make one, or look at the voice's "
            "labels and the services' spec.voices.selector.",
        )
    for wanted in ("Failed", "Pending"):
        for state in states:
            if state.state == wanted:
                message = f"{state.service}: {state.message}"
                return Finding("Ready", "False", state.reason, message)
    return Finding("Ready", "True", Reason.SERVED, f"Served by {count(len(states), 'service')}.")
