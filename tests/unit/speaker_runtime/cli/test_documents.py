"""The two documents of a service, and everything that is wrong with them."""

import json
from pathlib import Path

import pytest

from speaker_runtime.cli.documents import InvalidConfigError, read_config, read_documents
from speaker_runtime.contract import CONFIG_FILE, VOICES_FILE, ServingConfig
from tests.support.runtime import VOICES, write_documents


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path, ServingConfig())


def problems(directory: Path) -> list[str]:
    with pytest.raises(InvalidConfigError) as wrong:
        read_documents(directory)
    assert all(problem.remedy for problem in wrong.value.problems)
    return [problem.where.rpartition(": ")[2] for problem in wrong.value.problems]


def test_good_documents_are_read(documents: Path) -> None:
    config, voices = read_documents(documents)
    assert config.backend == "hibari"
    assert voices == VOICES
    assert read_config(documents) == config


def test_every_wrong_field_is_named(documents: Path) -> None:
    (documents / CONFIG_FILE).write_text(json.dumps({"service": "", "color": "red"}))
    assert set(problems(documents)) == {"service", "color", "backend", "model"}


def test_both_documents_are_checked(documents: Path) -> None:
    (documents / CONFIG_FILE).write_text("{")
    (documents / VOICES_FILE).write_text('{"voices": 5}')
    assert problems(documents) == ["the whole file", "voices"]


def test_a_name_used_twice_is_found(documents: Path) -> None:
    voices = [{"name": "ana", "preset": "heart"}, {"name": "ana", "preset": "heart"}]
    (documents / VOICES_FILE).write_text(json.dumps({"voices": voices}))
    assert problems(documents) == ["voices.1.name"]


def test_phonemes_that_are_none_are_found(tmp_path: Path) -> None:
    serving = ServingConfig(lexicon={"yaml": "/ˈjæməl/", "sql": "/S Q L/", "io": "and/or"})
    assert problems(write_documents(tmp_path, serving)) == ["serving.lexicon.sql"]


def test_missing_documents_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError) as wrong:
        read_documents(tmp_path)
    text = str(wrong.value)
    assert CONFIG_FILE in text
    assert VOICES_FILE in text
    assert "--config" in text


def test_a_value_is_quoted_only_in_part(documents: Path) -> None:
    (documents / VOICES_FILE).write_text(json.dumps({"voices": "x" * 10_000}))
    with pytest.raises(InvalidConfigError) as wrong:
        read_documents(documents)
    assert len(str(wrong.value)) < 500
