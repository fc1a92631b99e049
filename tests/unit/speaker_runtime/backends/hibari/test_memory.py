"""What a pod takes of memory, it takes before it is ready."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from speaker_runtime.backends.hibari import HibariBackend
from speaker_runtime.backends.protocol import Placement, SpeechRequest
from speaker_runtime.contract import ModelConfig
from speaker_runtime.models.fetching import fetch

MEBIBYTE: Final = 2**20
MOST: Final = 6 * MEBIBYTE
"""Two are usual, for what an allocator does not find again; after a short warm-up, fourteen."""
SENTENCE: Final = "The quick brown fox jumps over the lazy dog, and nobody minds."


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_a_usual_sentence_takes_no_more_than_the_warm_up(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        assert fresh.submit(_taken_after_the_warm_up, tmp_path).result() < MOST


def _taken_after_the_warm_up(directory: Path) -> int:
    """Bytes by which a process grows that has warmed up; it has to be a new one."""
    model = ModelConfig(source="package://hibari-tts", directory=directory)
    fetch(model, lambda _: None)
    backend = HibariBackend(model, Placement("cpu", threads=1))
    can = backend.load(lambda _: None)
    _speak(backend, can.warmup)
    before = _resident()
    for _ in range(3):
        _speak(backend, SENTENCE)
    return _resident() - before


def _speak(backend: HibariBackend, text: str) -> None:
    asked = SpeechRequest(text, preset="heart", language="en-US", speed=1.0, seed=0)
    (result,) = backend.step([backend.open(asked)])
    assert getattr(result, "finished", False)


def _resident() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    (told,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(told.split()[1]) * 1024
