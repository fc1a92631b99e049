"""Estimates that learn."""

from dataclasses import replace

import pytest

from speaker_runtime.engine.pace import Pace
from tests.support.tone import request


def test_a_text_is_estimated_by_its_length_and_speed() -> None:
    pace = Pace(characters_per_second=10)
    text = request("x" * 50)
    assert pace.estimate((text, text)) == 10
    assert pace.estimate((text, replace(text, speed=2.0))) == 7.5


def test_no_text_is_estimated_as_nothing() -> None:
    assert Pace(characters_per_second=10).estimate((request("x"),)) == 1


def test_the_first_measurement_replaces_the_guess() -> None:
    pace = Pace(characters_per_second=10)
    pace.observe(work_seconds=1, audio_seconds=10)
    assert pace.real_time_factor == pytest.approx(0.1)


def test_later_measurements_move_it_slowly() -> None:
    pace = Pace(characters_per_second=10)
    pace.observe(1, 10)
    pace.observe(10, 10)
    assert 0.1 < pace.real_time_factor < 0.3


def test_a_step_without_audio_teaches_nothing() -> None:
    pace = Pace(characters_per_second=10)
    before = pace.real_time_factor
    pace.observe(1, 0)
    assert pace.real_time_factor == before
