"""One copy of the model on its own thread: load, warm up, then step what the scheduler gives."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from speaker_runtime.audio.pcm import to_pcm16
from speaker_runtime.backends.protocol import (
    AnyBackend,
    Capabilities,
    DeviceUnavailableError,
    OutOfMemoryError,
    Placement,
    Slice,
    SpeechRequest,
    StepResult,
)
from speaker_runtime.engine.errand import Errand
from speaker_runtime.engine.scheduler import Scheduler
from speaker_runtime.engine.state import CopyState, EngineState, Phase
from speaker_runtime.engine.ticket import Chunk, Turn
from speaker_runtime.errors import ErrorCode, SpeechError

logger = logging.getLogger(__name__)

_MOST_STARVED = 3
"""Steps one after the other for which there is no memory; then there will be none."""
_MEMORY_RETURNS = 1
"""Seconds after which there may be some: what the streams had is free at once."""

Make = Callable[[Placement], AnyBackend]
"""Makes a copy of the model, not yet loaded, for a place."""


class Worker:
    """Owns one copy of the model.

    Args:
        copy: Its number, with which it asks the scheduler for turns.
        make: Makes the copy.
        placement: Where it runs.
        fallback: Where it runs when that cannot be; None where it then fails.
        scheduler: Gives the turns.
        on_end: Told, on the worker's thread, why it ended; None where it was asked to.
        clock: Seconds, never going back, to measure the work of a step.
    """

    def __init__(
        self,
        copy: int,
        make: Make,
        placement: Placement,
        *,
        fallback: Placement | None,
        scheduler: Scheduler,
        on_end: Callable[[Exception | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._copy = copy
        self._make = make
        self._placement = placement
        self._fallback = fallback
        self._fell_back = ""
        self._scheduler = scheduler
        self._on_end = on_end
        self._clock = clock
        self._backend: AnyBackend | None = None
        self._state = EngineState(Phase.LOADING)
        self._starved = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"engine-{copy}", daemon=True)

    @property
    def state(self) -> CopyState:
        """Where this copy runs and how far it has come."""
        kept = self._backend.voice_state_bytes if self._backend else 0
        return CopyState(self._placement.device, self._state, self._fell_back, kept)

    @property
    def backend(self) -> AnyBackend | None:
        """The copy, once it is being loaded; others may only call its ``check``."""
        return self._backend

    def start(self) -> None:
        """Begin to load the model; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end after its current step; the scheduler is closed by then."""
        self._stopping.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # Everything below runs on the worker's thread.

    def _run(self) -> None:
        failure: Exception | None = None
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001  whatever ends this thread has to be told
            failure = error
            self._state = EngineState(Phase.FAILED, str(error))
        else:
            self._state = EngineState(Phase.STOPPED)
        finally:
            if self._backend:
                self._backend.close()
            self._on_end(failure)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                backend, can = self._load()
                while not self._scheduler.is_closed:
                    # One at a time between two steps: whoever listens must not be kept waiting.
                    errand = self._scheduler.next_errand()
                    if errand is not None:
                        self._run_errand(backend, errand)
                    turns = self._scheduler.next_turns(self._copy)
                    if turns:
                        self._step(backend, turns, can.sample_rate)
            except DeviceUnavailableError as error:
                self._move(error)
            else:
                return

    def _load(self) -> tuple[AnyBackend, Capabilities]:
        backend = self._backend = self._make(self._placement)
        self._state = EngineState(Phase.LOADING)
        with _collector_at_rest():
            can = backend.load(self._tell_loading)
        self._state = EngineState(Phase.WARMING, capabilities=can)
        self._warm_up(backend, can)
        self._scheduler.open_copy(self._copy, can)
        self._state = EngineState(Phase.READY, capabilities=can)
        return backend, can

    def _tell_loading(self, part: str) -> None:
        self._state = EngineState(Phase.LOADING, part)

    def _warm_up(self, backend: AnyBackend, can: Capabilities) -> None:
        """Speak once to nobody: first runs allocate memory and pick kernels.

        A model that has nobody to speak it is left as it is. One that speaks piece by piece is not
        heard to the end: what comes behind the first pieces would only delay readiness.
        """
        if not can.presets:
            return
        stream = backend.open(
            SpeechRequest(can.warmup, can.presets[0].name, can.languages[0], speed=1.0, seed=0)
        )
        sounds, finished = 0, False
        while not finished and not self._stopping.is_set():
            (result,) = backend.step([stream])
            if isinstance(result, SpeechError):
                raise result
            sounds += len(result.samples) > 0
            finished = result.finished or sounds == can.warmup_sounds

    @property
    def _can_move(self) -> bool:
        return self._fallback is not None and self._placement != self._fallback

    def _move(self, error: DeviceUnavailableError) -> None:
        """Go on where there is no GPU to miss.

        Raises:
            DeviceUnavailableError: That is not wanted, or that fails as well.
        """
        if self._fallback is None or not self._can_move:
            raise error
        logger.warning("the model moves to the CPU", extra={"fields": {"reason": str(error)}})
        self._scheduler.forget_streams(self._copy, _failed("The GPU failed while speaking."))
        if self._backend:
            self._backend.close()
        self._placement, self._fell_back = self._fallback, str(error)

    def _run_errand(self, backend: AnyBackend, errand: Errand) -> None:
        try:
            errand.run(backend)
        except OutOfMemoryError as error:
            if self._can_move:
                raise
            logger.warning(
                "too little memory for a voice", extra={"fields": {"reason": str(error)}}
            )

    def _step(self, backend: AnyBackend, turns: Sequence[Turn], sample_rate: int) -> None:
        ready = [turn for turn in turns if self._open(backend, turn)]
        if not ready:
            return
        began = self._clock()
        try:
            results: Sequence[StepResult] = backend.step([turn.stream for turn in ready])
        except OutOfMemoryError as error:
            results = [self._starve(error)] * len(ready)
        except DeviceUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  the other requests go on
            results = [_as_speech_error(error)] * len(ready)
        else:
            self._starved = 0
        work = self._clock() - began
        samples = sum(len(each.samples) for each in results if isinstance(each, Slice))
        self._scheduler.observe(work, samples / sample_rate)
        for turn, result in zip(ready, results, strict=True):
            outcome = _outcome(turn, result, work / len(ready))
            self._scheduler.deliver(self._copy, turn, outcome)

    def _open(self, backend: AnyBackend, turn: Turn) -> bool:
        if turn.stream is not None:
            return True
        try:
            turn.stream = backend.open(turn.request)
        except OutOfMemoryError as error:
            self._scheduler.deliver(self._copy, turn, self._starve(error))
            return False
        except DeviceUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  one request's failure is not the engine's
            self._scheduler.deliver(self._copy, turn, _as_speech_error(error))
            return False
        return True

    def _starve(self, error: OutOfMemoryError) -> SpeechError:
        """What those hear for whom there is no memory; what they had is free again.

        Raises:
            OutOfMemoryError: There is another place to go, or there was none too often.
        """
        self._starved += 1
        if self._can_move or self._starved == _MOST_STARVED:
            raise error
        logger.warning("too little memory to speak", extra={"fields": {"reason": str(error)}})
        message = "The device has no memory left for this speech."
        return SpeechError(ErrorCode.OUT_OF_MEMORY, message, retry_after=_MEMORY_RETURNS)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from walking again and again through what is being loaded.

    Where a model's library is large, that is a fifth of what its import takes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _outcome(turn: Turn, result: StepResult, work: float) -> Chunk | SpeechError:
    if isinstance(result, SpeechError):
        return result
    return Chunk(turn.utterance, to_pcm16(result.samples), result.finished, work, result.fault)


def _as_speech_error(error: Exception) -> SpeechError:
    if isinstance(error, SpeechError):
        return error
    logger.error("the backend failed", exc_info=error)
    return _failed("The model failed while speaking this text.")


def _failed(message: str) -> SpeechError:
    return SpeechError(ErrorCode.SPEECH_FAILED, message)
