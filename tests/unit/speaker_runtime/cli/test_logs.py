"""Log lines, and the last words of a process."""

import json
import logging
import sys
from pathlib import Path

import pytest

from speaker_runtime.cli.ending import end
from speaker_runtime.cli.logs import JsonFormatter, TextFormatter
from speaker_runtime.contract import ExitCode


def record(**extra: object) -> logging.LogRecord:
    made = logging.LogRecord("a.logger", logging.INFO, __file__, 1, "said %s", ("hello",), None)
    made.__dict__.update(extra)
    return made


def test_a_machine_reads_one_object_a_line() -> None:
    text = JsonFormatter().format(record(fields={"status": 200, "path": "/a\nb"}))
    line = json.loads(text)
    assert "\n" not in text
    assert (line["level"], line["message"], line["status"]) == ("info", "said hello", 200)


def test_a_traceback_is_in_the_line() -> None:
    try:
        int("wrong")
    except ValueError:
        text = JsonFormatter().format(record(exc_info=sys.exc_info()))
    assert "ValueError: invalid literal" in json.loads(text)["exception"]


def test_a_person_reads_words() -> None:
    assert TextFormatter().format(record(fields={"status": 200})).endswith(" said hello status=200")


def test_the_reason_is_left_for_the_kubelet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setenv("TERMINATION_LOG", str(log))
    assert end(ExitCode.NO_SPACE, "no space " * 1000) is ExitCode.NO_SPACE
    assert log.read_text().startswith("no space")
    assert len(log.read_bytes()) <= 4096
    assert "no space" in capsys.readouterr().err


def test_no_file_is_made_where_there_is_no_kubelet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "absent"))
    end(ExitCode.FAILED, "reason")
    assert list(tmp_path.iterdir()) == []
