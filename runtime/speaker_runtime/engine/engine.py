"""The engine: copies of a model on their threads, and one bounded queue in front of them."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, cast

from speaker_runtime.backends.protocol import (
    AnyBackend,
    ClonedVoice,
    CloningBackend,
    Placement,
    Reference,
    SpeechRequest,
)
from speaker_runtime.engine.errand import Errand
from speaker_runtime.engine.job import Job
from speaker_runtime.engine.scheduler import Bounds, Scheduler
from speaker_runtime.engine.state import CopyState, EngineState, Load, Phase
from speaker_runtime.engine.ticket import Ticket
from speaker_runtime.engine.worker import Make, Worker
from speaker_runtime.errors import ErrorCode, SpeechError

_PROGRESS = (Phase.LOADING, Phase.WARMING, Phase.READY)


class Engine:
    """Speaks the jobs of everybody; it knows no model by name.

    Args:
        make: Makes a copy of the model for its place.
        placements: One for each copy.
        fallback: Where a copy runs when its place cannot be used; None where it then fails.
        bounds: How much may wait.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        make: Make,
        placements: Sequence[Placement],
        *,
        bounds: Bounds,
        fallback: Placement | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scheduler = Scheduler(bounds, len(placements), clock)
        self._stopping = False
        self._failure: Exception | None = None
        self._guard = threading.Lock()
        self._workers = [
            Worker(
                number,
                make,
                placement,
                fallback=fallback,
                scheduler=self._scheduler,
                on_end=self._on_end,
                clock=clock,
            )
            for number, placement in enumerate(placements)
        ]
        self._started = False

    @property
    def state(self) -> EngineState:
        """How far the engine has come: as far as its most advanced copy, unless one failed."""
        states = [worker.state.state for worker in self._workers]
        over = [each for each in states if each.phase not in _PROGRESS]
        if over:
            return min(over, key=lambda each: each.phase is not Phase.FAILED)
        return max(states, key=lambda each: _PROGRESS.index(each.phase))

    @property
    def copies(self) -> Sequence[CopyState]:
        """Every copy of the model."""
        return [worker.state for worker in self._workers]

    @property
    def load(self) -> Load:
        """How busy the engine is now."""
        return self._scheduler.load

    def start(self) -> None:
        """Begin to load the model, unless that has begun; returns at once."""
        if not self._started:
            self._started = True
            for worker in self._workers:
                worker.start()

    def wait(self) -> Exception | None:
        """Block until the engine has ended; return what it failed of, if it did."""
        for worker in self._workers:
            worker.join()
        return self._failure

    def stop(self, timeout: float) -> None:
        """End every job with an error and wait up to ``timeout`` seconds for the threads."""
        self._end(SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1))
        until = time.monotonic() + timeout
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))

    def check(self, requests: Sequence[SpeechRequest]) -> tuple[str, ...]:
        """Warnings about what of the utterances will not be followed to the letter.

        Raises:
            SpeechError: The model is not ready, or one of them cannot be spoken.
        """
        backend = self._ready_backend()
        found = [warning for request in requests for warning in backend.check(request)]
        return tuple(dict.fromkeys([*self._fallbacks(), *found]))

    def submit(self, job: Job, on_change: Callable[[], None]) -> Ticket:
        """Queue a job whose utterances have been checked.

        Raises:
            SpeechError: The model is not ready, or too much is waiting already.
        """
        self._ready_backend()
        return self._scheduler.submit(job, on_change)

    def embed(self, reference: Reference) -> Future[ClonedVoice]:
        """Have a copy of the model make a voice of a reference, between its steps.

        The backend's capabilities say that it can; whoever asks asks for few at a time.
        """

        def embed(backend: AnyBackend) -> ClonedVoice:
            return cast("CloningBackend[Any]", backend).embed(reference)

        errand = Errand(embed)
        self._scheduler.send(errand)
        return errand.result

    def _ready_backend(self) -> AnyBackend:
        for worker in self._workers:
            if worker.state.state.phase is Phase.READY and worker.backend:
                return worker.backend
        state = self.state
        if state.phase is Phase.STOPPED or (self._stopping and self._failure is None):
            raise SpeechError(ErrorCode.SHUTTING_DOWN, "This process is ending.", retry_after=1)
        raise SpeechError(
            ErrorCode.MODEL_NOT_READY,
            f"The model is not ready: {state.phase} {state.detail}".rstrip() + ".",
            retry_after=1,
        )

    def _fallbacks(self) -> Sequence[str]:
        return [f"spoken on the CPU: {each.fallback}" for each in self.copies if each.fallback]

    def _on_end(self, failure: Exception | None) -> None:
        """One copy has ended; without it the engine is not what was asked for."""
        if failure is None:
            return
        with self._guard:
            self._failure = self._failure or failure
        self._end(SpeechError(ErrorCode.MODEL_NOT_READY, f"The model failed: {failure}"))

    def _end(self, error: SpeechError) -> None:
        self._stopping = True
        for worker in self._workers:
            worker.stop()
        self._scheduler.close(error)
