"""Pace without pitch."""

import numpy as np
import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import Samples, to_pcm16
from speaker_runtime.audio.pipeline import Pipeline, Section
from speaker_runtime.audio.tempo import Tempo, split_speed
from tests.support.audio import feed

RATE = 24_000


def tone(seconds: float, pitch: float = 440.0) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


@pytest.mark.parametrize(
    ("speed", "native", "tempo"),
    [(1.0, 1.0, 1.0), (0.25, 0.5, 0.5), (4.0, 2.0, 2.0), (1.7, 1.7, 1.0), (0.5, 0.5, 1.0)],
)
def test_the_backend_does_what_it_can(speed: float, native: float, tempo: float) -> None:
    assert split_speed(speed, 0.5, 2.0) == (native, tempo)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_the_duration_changes_and_the_pitch_stays(factor: float) -> None:
    tempo = Tempo(factor, RATE)
    parts = [tempo.stretch(tone(0.5)) for _ in range(4)]
    heard = np.concatenate([*parts, tempo.finish()])
    assert len(heard) / RATE == pytest.approx(2.0 / factor, rel=0.05)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * RATE / len(heard) == pytest.approx(440, abs=5)


def test_a_pipeline_counts_what_was_made_not_what_was_given() -> None:
    pipeline = Pipeline(AudioFormat.PCM, RATE, (Section(tempo=2.0),), Section())
    data = feed(pipeline, 0, to_pcm16(tone(2.0))) + pipeline.finish()
    assert pipeline.seconds == pytest.approx(1.0, rel=0.05)
    assert len(data) == round(pipeline.seconds * RATE) * 2


def test_a_pipeline_without_tempo_leaves_the_samples() -> None:
    pipeline = Pipeline(AudioFormat.PCM, RATE, (Section(),), Section())
    feed(pipeline, 0, to_pcm16(tone(0.5)))
    assert pipeline.seconds == 0.5
