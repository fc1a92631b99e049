"""An engine whose model hums, and those who listen to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from speaker_runtime.audio.pcm import Pcm16, to_pcm16
from speaker_runtime.backends.protocol import (
    Placement,
)
from speaker_runtime.engine.engine import Engine
from speaker_runtime.engine.job import Job
from speaker_runtime.engine.scheduler import Bounds
from speaker_runtime.engine.state import Phase
from speaker_runtime.engine.ticket import Chunk, End, Ticket
from tests.support.runtime import eventually
from tests.support.tone import ToneBackend, copies, hum, request

WITHIN = 5.0


@contextmanager
def running(
    *backends: ToneBackend,
    max_queue_seconds: float = 60,
    max_client_seconds: float = 60,
    fallback: Placement | None = None,
) -> Iterator[Engine]:
    make, places = copies(*backends)
    bounds = Bounds(max_queue_seconds, max_client_seconds)
    engine = Engine(make, places, bounds=bounds, fallback=fallback)
    engine.start()
    eventually(
        lambda: all(copy.state.phase is Phase.READY for copy in engine.copies),
        within=WITHIN,
        what="readiness",
    )
    for backend in backends:
        backend.steps.clear()
    try:
        yield engine
    finally:
        for backend in backends:
            backend.release()
        engine.stop(WITHIN)


def job(*texts: str, **more: Any) -> Job:
    return Job(tuple(map(request, texts)), **more)


class Listener:
    """Takes what a ticket gives, as a client would."""

    def __init__(self, engine: Engine, *texts: str, **more: Any) -> None:
        self._changed = threading.Event()
        self.ticket: Ticket = engine.submit(job(*texts, **more), self._changed.set)

    def next(self) -> Chunk | End:
        while True:
            self._changed.clear()
            item = self.ticket.take()
            if item is not None:
                return item
            assert self._changed.wait(WITHIN), "nothing came"

    def all(self) -> Pcm16:
        parts = []
        while not isinstance(item := self.next(), End):
            parts.append(item.samples)
        return np.concatenate(parts)


def hummed(*texts: str) -> Pcm16:
    return np.concatenate([to_pcm16(hum(text)) for text in texts])
