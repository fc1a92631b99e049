"""Sections of a response: silence, gain, tempo and marks, in order."""

import numpy as np

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import Pcm16, to_pcm16
from speaker_runtime.audio.pipeline import Mark, Pipeline, Section
from tests.support.audio import feed

RATE = 24_000


def tone(seconds: float) -> Pcm16:
    time = np.arange(round(seconds * RATE)) / RATE
    return to_pcm16((0.25 * np.sin(2 * np.pi * 440 * time)).astype(np.float32))


def heard(data: bytes) -> Pcm16:
    return np.frombuffer(data, "<i2")


def test_sections_have_their_own_silence_and_gain() -> None:
    sections = (Section(pause=0.5), Section(gain=2.0))
    pipeline = Pipeline(AudioFormat.PCM, RATE, sections, Section(pause=0.25))
    data = feed(pipeline, 0, tone(1)) + feed(pipeline, 1, tone(1)) + pipeline.finish()
    quiet = np.zeros(RATE // 2, np.int16)
    expected = np.concatenate([quiet, tone(1), 2 * tone(1), quiet[: RATE // 4]])
    np.testing.assert_allclose(heard(data), expected, atol=2)
    assert pipeline.seconds == 2.75


def test_what_was_stretched_ends_before_the_next_silence() -> None:
    sections = (Section(tempo=2.0), Section(pause=1.0))
    pipeline = Pipeline(AudioFormat.PCM, RATE, sections, Section())
    samples = heard(feed(pipeline, 0, tone(1)) + feed(pipeline, 1, tone(1)) + pipeline.finish())
    stretched = len(samples) - 2 * RATE
    assert abs(stretched - RATE / 2) < RATE / 20
    assert not samples[stretched : stretched + RATE].any()


def test_marks_stand_where_their_section_begins() -> None:
    sections = (Section(marks=("a",)), Section(pause=0.5, marks=("b", "c")))
    pipeline = Pipeline(AudioFormat.PCM, RATE, sections, Section(marks=("d",)))
    feed(pipeline, 0, tone(1))
    assert pipeline.marks == [Mark("a", 0.0)]
    feed(pipeline, 1, tone(1))
    pipeline.finish()
    assert pipeline.marks == [Mark("a", 0.0), Mark("b", 1.5), Mark("c", 1.5), Mark("d", 2.5)]


def test_a_section_without_samples_still_has_its_silence() -> None:
    pipeline = Pipeline(AudioFormat.PCM, RATE, (Section(), Section(pause=1.0)), Section())
    data = feed(pipeline, 0, tone(1)) + pipeline.finish()
    assert len(heard(data)) == 2 * RATE


def test_silence_alone_is_no_speech() -> None:
    pipeline = Pipeline(AudioFormat.PCM, RATE, (Section(pause=1.0),), Section())
    assert not pipeline.has_speech
    feed(pipeline, 0, tone(0.1))
    assert pipeline.has_speech


def test_it_knows_where_in_the_response_the_next_sample_sounds() -> None:
    sections = (Section(tempo=2.0), Section(pause=1.0))
    pipeline = Pipeline(AudioFormat.PCM, RATE, sections, Section())
    feed(pipeline, 0, tone(1))
    assert pipeline.position == 0.5
    feed(pipeline, 1, tone(1))
    assert abs(pipeline.position - 2.5) < 0.05
