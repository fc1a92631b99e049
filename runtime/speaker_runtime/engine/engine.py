"""The engine: a bounded queue in front of one thread that loads a backend and steps its streams."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

from speaker_runtime.backends import registry
from speaker_runtime.backends.protocol import (
    AnyBackend,
    Capabilities,
    Slice,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.contract import RuntimeConfig
from speaker_runtime.engine.pace import Pace
from speaker_runtime.engine.state import EngineState, Load, Phase
from speaker_runtime.engine.ticket import End, Ticket
from speaker_runtime.errors import ErrorCode, SpeechError

logger = logging.getLogger(__name__)


class Engine:
    """Speaks the requests of everybody on one thread; it knows no model by name.

    Args:
        backend: What speaks; only the engine's thread calls it.
        max_queue_seconds: Estimated seconds of speech that may wait.
        clock: Seconds, never going back, to measure the work of a step.
    """

    def __init__(
        self,
        backend: AnyBackend,
        *,
        max_queue_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._max_queue_seconds = max_queue_seconds
        self._clock = clock
        self._guard = threading.Condition()
        self._state = EngineState(Phase.LOADING)
        self._pace = Pace(characters_per_second=1.0)
        self._waiting: deque[Ticket] = deque()
        self._running: deque[Ticket] = deque()
        self._stopping = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def state(self) -> EngineState:
        """Where the engine is now."""
        return self._state

    @property
    def load(self) -> Load:
        """How busy the engine is now."""
        with self._guard:
            queued = self._queued()
            return Load(
                running=len(self._running) + len(self._waiting) - len(queued),
                waiting=len(queued),
                queued_seconds=_seconds(queued),
                real_time_factor=self._pace.real_time_factor,
            )

    def start(self) -> None:
        """Begin to load the model, unless that has begun; returns at once."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> Exception | None:
        """Block until the engine's thread ends; return what it failed of, if it did."""
        self._thread.join()
        return self._failure

    def stop(self, timeout: float) -> None:
        """End every request with an error and wait up to ``timeout`` seconds for the thread."""
        with self._guard:
            self._stopping = True
            self._guard.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def submit(self, requests: Sequence[SpeechRequest], on_change: Callable[[], None]) -> Ticket:
        """Queue the requests of one client, to be spoken one after the other.

        Raises:
            SpeechError: The model is not ready, or too much is waiting already.
        """
        with self._guard:
            self._require_ready()
            estimate = sum(map(self._estimate, requests))
            queued = self._queued()
            if queued and _seconds(queued) + estimate > self._max_queue_seconds:
                raise self._overloaded(_seconds(queued))
            ticket = Ticket(
                requests,
                estimate=estimate,
                submitted=self._clock(),
                on_change=on_change,
                guard=self._guard,
            )
            self._waiting.append(ticket)
            self._guard.notify_all()
            return ticket

    def _estimate(self, request: SpeechRequest) -> float:
        return self._pace.estimate(sum(map(len, request.utterances)), request.speed)

    def _require_ready(self) -> None:
        state = self._state
        if self._stopping or state.phase is Phase.STOPPED:
            raise SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1)
        if state.phase is not Phase.READY:
            raise SpeechError(
                ErrorCode.MODEL_NOT_READY,
                f"The model is not ready: {state.phase} {state.detail}".rstrip() + ".",
                retry_after=1,
            )

    def _queued(self) -> Sequence[Ticket]:
        """Requests that wait for another to end; the others begin with the engine's next turn."""
        can = self._state.capabilities
        free = can.max_streams - len(self._running) if can else 0
        return list(self._waiting)[max(0, free) :]

    def _overloaded(self, queued_seconds: float) -> SpeechError:
        return SpeechError(
            ErrorCode.OVERLOADED,
            f"{queued_seconds:.0f} s of speech are waiting already; this service queues at most "
            f"{self._max_queue_seconds:.0f} s.",
            retry_after=max(1, math.ceil(queued_seconds * self._pace.real_time_factor)),
        )

    # Everything below runs on the engine's thread.

    def _run(self) -> None:
        try:
            self._speak(self._load())
        except Exception as error:  # noqa: BLE001  whatever ends this thread has to be told
            self._state = EngineState(Phase.FAILED, str(error))
            self._end_all(SpeechError(ErrorCode.MODEL_NOT_READY, f"The model failed: {error}"))
            self._failure = error
        else:
            self._state = EngineState(Phase.STOPPED)
            self._end_all(SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending."))
        finally:
            self._backend.close()

    def _load(self) -> Capabilities:
        capabilities = self._backend.load(self._tell_loading)
        self._state = EngineState(Phase.WARMING, capabilities=capabilities)
        with self._guard:
            self._pace = Pace(capabilities.characters_per_second)
        self._warm_up(capabilities)
        self._state = EngineState(Phase.READY, capabilities=capabilities)
        return capabilities

    def _tell_loading(self, part: str) -> None:
        self._state = EngineState(Phase.LOADING, part)

    def _warm_up(self, capabilities: Capabilities) -> None:
        """Speak once to nobody: first runs allocate memory and pick kernels."""
        stream = self._backend.open(
            SpeechRequest((capabilities.warmup,), capabilities.presets[0], speed=1.0, seed=0)
        )
        finished = False
        while not finished and not self._stopping:
            for result in self._backend.step([stream]):
                if isinstance(result, SpeechError):
                    raise result
                finished = result.finished

    def _speak(self, capabilities: Capabilities) -> None:
        """Turn after turn until the engine is stopped."""
        while self._wait_for_work(capabilities.max_streams):
            for ticket in self._admit(capabilities.max_streams):
                self._open(ticket)
            self._step(self._pick(capabilities.max_batch), capabilities.sample_rate)

    def _wait_for_work(self, max_streams: int) -> bool:
        """Wait until there is something to do; False when the engine is to stop."""

        def has_work() -> bool:
            self._drop_cancelled()
            return (
                self._stopping
                or (bool(self._waiting) and len(self._running) < max_streams)
                or any(ticket.has_room for ticket in self._running)
            )

        with self._guard:
            self._guard.wait_for(has_work)
            return not self._stopping

    def _drop_cancelled(self) -> None:
        for queue in (self._waiting, self._running):
            for ticket in [each for each in queue if each.cancelled]:
                queue.remove(ticket)

    def _admit(self, max_streams: int) -> Sequence[Ticket]:
        """Move the oldest waiting requests to the running ones, as many as fit."""
        with self._guard:
            free = max(0, max_streams - len(self._running))
            admitted = [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]
            # To the front: a first sentence is waited for, the next ones are being listened to.
            self._running.extendleft(reversed(admitted))
            return admitted

    def _open(self, ticket: Ticket) -> None:
        ticket.queue_seconds = self._clock() - ticket.submitted
        try:
            ticket.streams.extend(map(self._backend.open, ticket.requests))
            warnings = chain.from_iterable(stream.warnings for stream in ticket.streams)
            ticket.warnings = tuple(dict.fromkeys(warnings))
        except Exception as error:  # noqa: BLE001  one request's failure is not the engine's
            self._finish(ticket, _as_speech_error(error))

    def _pick(self, max_batch: int) -> Sequence[Ticket]:
        """The streams that have waited longest for their turn and have room for a chunk."""
        with self._guard:
            return [ticket for ticket in self._running if ticket.has_room][:max_batch]

    def _step(self, batch: Sequence[Ticket], sample_rate: int) -> None:
        if not batch:
            return
        began = self._clock()
        try:
            results: Sequence[StepResult] = self._backend.step([each.streams[0] for each in batch])
        except Exception as error:  # noqa: BLE001  the other requests go on
            results = [_as_speech_error(error)] * len(batch)
        work = self._clock() - began
        samples = sum(len(each.samples) for each in results if isinstance(each, Slice))
        with self._guard:
            self._pace.observe(work, samples / sample_rate)
        for ticket, result in zip(batch, results, strict=True):
            self._deliver(ticket, result)

    def _deliver(self, ticket: Ticket, result: StepResult) -> None:
        if isinstance(result, SpeechError):
            self._finish(ticket, result)
            return
        with self._guard:
            ticket.put(result.samples)
            # To the end of the line: the others have their turn first.
            self._running.remove(ticket)
            self._running.append(ticket)
        if result.finished:
            ticket.streams.popleft()
            if not ticket.streams:
                self._finish(ticket, End.END)

    def _finish(self, ticket: Ticket, outcome: End | SpeechError) -> None:
        with self._guard:
            self._running.remove(ticket)
            ticket.end(outcome)

    def _end_all(self, error: SpeechError) -> None:
        with self._guard:
            for ticket in (*self._running, *self._waiting):
                ticket.end(error)
            self._running.clear()
            self._waiting.clear()


def create_engine(config: RuntimeConfig) -> Engine:
    """Make the engine of a service; its model is loaded when it is started.

    Raises:
        UnknownBackendError: The configuration's backend is not installed.
    """
    backend = registry.create(config.backend, config.model)
    return Engine(backend, max_queue_seconds=config.serving.max_queue_seconds)


def _seconds(tickets: Sequence[Ticket]) -> float:
    return sum(ticket.estimate for ticket in tickets)


def _as_speech_error(error: Exception) -> SpeechError:
    if isinstance(error, SpeechError):
        return error
    logger.error("the backend failed", exc_info=error)
    return SpeechError(ErrorCode.SPEECH_FAILED, "The model failed while speaking this text.")
