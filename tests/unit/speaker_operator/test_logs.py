"""Every line says which object it is about."""

import json
import logging
from collections.abc import Iterator

import pytest

from speaker_operator import logs

LOGGER = logging.getLogger("speaker_operator.test")


@pytest.fixture
def written() -> Iterator[list[str]]:
    """What has been logged as JSON."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    keeper = Keeper()
    keeper.setFormatter(logs.JsonFormatter())
    LOGGER.addHandler(keeper)
    LOGGER.setLevel(logging.INFO)
    yield lines
    LOGGER.removeHandler(keeper)


def test_lines_carry_the_object_that_is_worked_on(written: list[str]) -> None:
    with logs.about("TTSService", "speech", "hello"):
        LOGGER.info("before it was looked up")
        logs.identify("uid-1")
        LOGGER.warning("%s is %s", "this", "said")
    LOGGER.info("about nothing")
    first, second, third = map(json.loads, written)
    hello = {"kind": "TTSService", "namespace": "speech", "name": "hello"}
    assert first["object"] == hello
    assert second["object"] == {**hello, "uid": "uid-1"}
    assert (second["level"], second["message"]) == ("warning", "this is said")
    assert "object" not in third


def test_a_line_about_a_child_names_both(written: list[str]) -> None:
    child = {"kind": "Deployment", "namespace": "speech", "name": "hello"}
    with logs.about("TTSService", "speech", "hello"):
        LOGGER.info("Applied", extra={"k8s_ref": child})
    (line,) = map(json.loads, written)
    assert (line["object"]["kind"], line["child"]) == ("TTSService", child)


def test_one_line_is_one_object_whatever_happens(written: list[str]) -> None:
    failure = ValueError("two\nlines")
    LOGGER.error("it failed", exc_info=failure)
    (line,) = map(json.loads, written)
    assert "two\nlines" in line["exception"]


def test_text_for_people_names_it_too() -> None:
    record = LOGGER.makeRecord(LOGGER.name, logging.INFO, __file__, 1, "Applied", (), None)
    with logs.about("TTSService", "speech", "hello"):
        assert logs.TextFormatter().format(record).endswith("[TTSService speech/hello] Applied")
