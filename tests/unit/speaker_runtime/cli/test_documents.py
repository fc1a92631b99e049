"""The two documents of a service, and everything that is wrong with them."""

import json
from pathlib import Path

import pytest

from speaker_runtime.cli.documents import (
    InvalidConfigError,
    is_gateway,
    read_before_fetch,
    read_config,
    read_documents,
    read_gateway,
)
from speaker_runtime.contract import (
    CONFIG_FILE,
    ROUTES_FILE,
    VOICES_FILE,
    RouteManifest,
    ServingConfig,
    Upstream,
)
from tests.support.gateway import write_gateway
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


def test_a_gateway_is_told_from_a_service(documents: Path, tmp_path: Path) -> None:
    routes = RouteManifest(upstreams=(Upstream(name="one", url="http://one"),))
    directory = tmp_path / "gateway"
    directory.mkdir()
    write_gateway(directory, routes)
    assert is_gateway(directory)
    assert not is_gateway(documents)
    assert not is_gateway(tmp_path / "nowhere")
    assert read_gateway(directory)[1] == routes


def test_everything_that_is_wrong_with_a_gateway_is_told_at_once(tmp_path: Path) -> None:
    twice = [{"name": "one", "url": "http://a"}, {"name": "one", "url": "http://b"}]
    (tmp_path / CONFIG_FILE).write_text(json.dumps({"backend": "gateway", "color": "red"}))
    (tmp_path / ROUTES_FILE).write_text(json.dumps({"upstreams": twice}))
    with pytest.raises(InvalidConfigError) as wrong:
        read_gateway(tmp_path)
    found = [problem.where.rpartition(": ")[2] for problem in wrong.value.problems]
    assert found == ["service", "color", "upstreams.1.name"]


def test_a_model_is_fetched_for_a_server_that_is_none_of_ours_but_not_served(
    documents: Path,
) -> None:
    config = json.loads((documents / CONFIG_FILE).read_text())
    (documents / CONFIG_FILE).write_text(json.dumps({**config, "backend": "custom"}))
    assert read_before_fetch(documents).backend == "custom"
    assert problems(documents) == ["backend"]
