"""A service's status as a pure function of what was observed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from speaker_operator.api.v1alpha1.status import (
    FailedVoice,
    FailureRecord,
    ModelStatus,
    ServiceStatus,
    VoicesStatus,
)
from speaker_operator.explained import Standing
from speaker_operator.reasons import BY_WORD, Reason
from speaker_operator.reconcile.conditions import Finding, conditions, count
from speaker_operator.reconcile.failures import last_exit
from speaker_operator.reconcile.modelstatus import model_ready, model_status
from speaker_operator.reconcile.observation import Observation
from speaker_operator.reconcile.routestates import (
    offered,
    own_voices,
    routes_ready,
    routes_status,
)
from speaker_operator.reconcile.voices import untaken
from speaker_operator.render.labels import selector_labels
from speaker_operator.render.service import url
from speaker_operator.render.voices import default_problem

_LISTED_VOICES: Final = 32
_SUSPENDED: Final = "spec.suspend is true: take it away to serve requests."
_IDLE: Final = (
    "No pod runs while nobody speaks: KEDA starts one when a trigger of spec.autoscaling tells of "
    "requests."
)


def service_status(observation: Observation) -> ServiceStatus:
    """Compute the whole status."""
    service, rollout = observation.service, observation.rollout
    model = model_status(observation) if service.has_model else None
    voices = _voices(observation) if service.backend.runs == "model" else None
    aspects = [
        *_of_its_kind(model, voices, observation),
        _available(observation),
        _progressing(observation),
    ]
    return ServiceStatus(
        observed_generation=service.metadata.generation,
        replicas=rollout.replicas,
        ready_replicas=rollout.ready,
        selector=",".join(
            f"{key}={value}" for key, value in selector_labels(service.metadata.name).items()
        ),
        url=url(service),
        model=model,
        voices=voices,
        gateway=None if service.gateway is None else routes_status(observation.route_states),
        last_failure=_last_failure(observation),
        conditions=conditions(
            [*aspects, _ready(aspects, observation)],
            service.status.conditions,
            generation=service.metadata.generation,
            now=observation.now,
        ),
    )


def reason_of(status: ServiceStatus) -> Reason:
    """The one reason that says how a service fares: that of Ready."""
    (ready,) = (each for each in status.conditions if each.type == "Ready")
    return BY_WORD[ready.reason]


def _of_its_kind(
    model: ModelStatus | None, voices: VoicesStatus | None, observation: Observation
) -> Iterator[Finding]:
    """What is said only of some backends."""
    if observation.service.gateway is not None:
        yield routes_ready(observation.route_states)
        return
    if model is not None:
        yield model_ready(model, observation)
    service = observation.service
    yield own_voices(service) if voices is None else _voices_ready(voices, observation)


def unreadable_status(
    previous: ServiceStatus, message: str, *, generation: int, now: datetime
) -> ServiceStatus:
    """The status of a service whose spec this version of the operator cannot read."""
    finding = Finding("Ready", "False", Reason.INVALID_SPEC, message)
    return ServiceStatus(
        observed_generation=generation,
        conditions=conditions([finding], previous.conditions, generation=generation, now=now),
    )


def _voices(observation: Observation) -> VoicesStatus:
    states = observation.voice_states
    failed = [
        FailedVoice(name=name, reason=state.reason, message=state.message or state.reason)
        for name, state in states.items()
        if state.state == "Failed"
    ]
    return VoicesStatus(
        total=len(states),
        ready=sum(state.state == "Ready" for state in states.values()),
        failed=tuple(failed[:_LISTED_VOICES]),
    )


def _voices_ready(voices: VoicesStatus, observation: Observation) -> Finding:
    problem = default_problem(observation.service, observation.assignments)
    for name, state in observation.voice_states.items():
        if state.state == "Failed":
            message = f"Voice {name}: {state.message}"
            return Finding("VoicesReady", "False", state.reason, message)
    if problem is not None:
        return Finding("VoicesReady", "False", problem.reason, problem.message)
    behind = observation.heard.behind
    if behind is not None:
        pod, trouble = behind
        return Finding("VoicesReady", "False", trouble.reason, untaken(pod, trouble))
    if not voices.total:
        presets = ", ".join(observation.service.backend.presets)
        message = f"No Voice is selected; requests can ask for the backend's presets: {presets}."
        return Finding("VoicesReady", "True", Reason.PRESETS_ONLY, message)
    if voices.ready < voices.total:
        return _voices_to_come(voices, observation)
    message = f"{count(voices.total, 'voice')} can be asked for."
    return Finding("VoicesReady", "True", Reason.SERVED, message)


def _voices_to_come(voices: VoicesStatus, observation: Observation) -> Finding:
    states, total = observation.voice_states.values(), count(voices.total, "voice")
    making = [state.reason for state in states].count(Reason.PREPARING)
    if making:
        message = f"{making} of {total} being made of recordings."
        return Finding("VoicesReady", "False", Reason.PREPARING, message)
    message = f"{total} to come, once a pod serves."
    return Finding("VoicesReady", "False", Reason.ROLLING_OUT, message)


def _available(observation: Observation) -> Finding:
    rollout = observation.rollout
    if rollout.available:
        message = f"Requests are served by {count(rollout.available, 'pod')}"
        if observation.devices.fell_back:
            message += f"; {observation.devices.message}"
            return Finding("Available", "True", Reason.SERVING_ON_CPU, f"{message}.")
        return Finding("Available", "True", Reason.SERVING, f"{message}.")
    if observation.service.spec.suspend:
        return Finding("Available", "False", Reason.SUSPENDED, _SUSPENDED)
    if rollout.idle:
        return Finding("Available", "False", Reason.SCALED_TO_ZERO, _IDLE)
    if not rollout.wanted:
        return Finding(
            "Available",
            "False",
            Reason.SCALED_TO_ZERO,
            "spec.replicas is 0: raise it to serve requests.",
        )
    reason, message = _obstacle(observation) or (Reason.STARTING, "No pod serves requests yet.")
    if reason is Reason.STARTING and observation.release == "waiting" and observation.stock:
        reason, message = observation.stock.reason, observation.stock.message
    return Finding("Available", "False", reason, message)


def _obstacle(observation: Observation) -> tuple[Reason, str] | None:
    """What keeps pods from coming up, the cause before its effects."""
    rollout, failure, stock = observation.rollout, observation.failure, observation.stock
    held_up = observation.release != "released" and stock is not None
    if held_up and stock is not None and stock.reason.standing is Standing.WRONG:
        return stock.reason, stock.message
    if rollout.refusal is not None:
        reason, message = rollout.refusal
        return reason, reason.told(message)
    if failure is not None:
        message = f"Pod {failure.pod}: {failure.message}"
        if failure.reason is Reason.UNSCHEDULABLE and observation.devices.reason == "NodesUnknown":
            message += f"; {observation.devices.message}"
        return failure.reason, message
    if rollout.overdue:
        reason = Reason.PROGRESS_DEADLINE_EXCEEDED
        return reason, reason.told(f"The pods make no progress: {rollout.progress}")
    return None


def _progressing(observation: Observation) -> Finding:
    rollout = observation.rollout
    if observation.problems:
        problem = observation.problems[0]
        return Finding("Progressing", "False", problem.reason, problem.message)
    if observation.in_effect:
        return Finding("Progressing", "True", Reason.ROLLED_OUT, "The whole spec is rolled out.")
    obstacle = _obstacle(observation)
    if obstacle is not None:
        reason, message = obstacle
        if rollout.available:
            message += (
                f"; meanwhile {count(rollout.available, 'pod')} can serve: mend the spec, or take "
                "the change back"
            )
        return Finding("Progressing", "False", reason, message)
    if observation.release != "released" and observation.stock is not None:
        message = observation.stock.message
        if rollout.available:
            message += (
                f" Meanwhile {count(rollout.available, 'pod')} can serve the model of before."
            )
        return Finding("Progressing", "True", observation.stock.reason, message)
    return Finding("Progressing", "True", Reason.ROLLING_OUT, f"Rolling out: {rollout.progress}.")


def _ready(aspects: Iterable[Finding], observation: Observation) -> Finding:
    """The sum of all aspects: what stands in the way comes before what merely takes its time."""
    if observation.service.spec.suspend:
        return Finding("Ready", "False", Reason.SUSPENDED, _SUSPENDED)
    by_type = {finding.type: finding for finding in aspects}
    lacking = [] if observation.in_effect else [by_type["Progressing"]]
    lacking += _lacking(by_type, observation)
    for finding in sorted(lacking, key=lambda each: each.reason.standing is Standing.PASSING):
        return Finding("Ready", "False", finding.reason, finding.message)
    if observation.rollout.idle:
        blind = observation.blindness and f" It cannot tell now: {observation.blindness}."
        return Finding("Ready", "True", Reason.IDLE, f"{_IDLE}{blind}")
    offer = offered(observation.service, len(observation.assignments), observation.route_states)
    message = f"Serving {offer} at {url(observation.service)}"
    if observation.blindness:
        message += f"; its autoscaler cannot scale it: {observation.blindness}"
    if observation.devices.fell_back:
        message += f"; {observation.devices.message}"
        return Finding("Ready", "True", Reason.READY_ON_CPU, f"{message}.")
    return Finding("Ready", "True", Reason.READY, f"{message}.")


def _lacking(by_type: Mapping[str, Finding], observation: Observation) -> list[Finding]:
    """What is not as it should be; of a service that rests, only what will not come by itself."""
    idle = observation.rollout.idle
    names = ["VoicesReady"] if idle else ["VoicesReady", "Available", "ModelReady"]
    if not observation.reaches_somebody:
        names.append("RoutesReady")
    found = [by_type[name] for name in names if name in by_type]
    lacking = [each for each in found if each.status != "True"]
    return [each for each in lacking if not (idle and each.reason.standing is Standing.PASSING)]


def _last_failure(observation: Observation) -> FailureRecord | None:
    """The last bad end of a container; it is kept until there is a later one."""
    fetch = None if observation.stock is None else observation.stock.failure
    exits = (last_exit(observation.pods), fetch)
    ended = max(
        (each for each in exits if each is not None and each.time),
        key=lambda each: each.time or "",
        default=None,
    )
    if ended is None:
        return observation.service.status.last_failure
    return FailureRecord(
        reason=ended.reason,
        message=ended.message,
        exit_code=ended.exit_code,
        time=ended.time,
        pod=ended.pod,
    )
