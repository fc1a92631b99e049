"""Settings come from the environment, and mistakes are told."""

import pytest

from speaker_operator.settings import InvalidSettingsError, Settings, load


@pytest.fixture(autouse=True)
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKER_RUNTIME_IMAGE", "runtime:{engine}")


def test_the_defaults() -> None:
    settings = load()
    assert settings.namespaces == ()
    assert (settings.http_port, settings.log_format) == (8080, "json")


def test_namespaces_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKER_NAMESPACES", " speech, media ,")
    assert load().namespaces == ("speech", "media")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SPEAKER_CONCURENCY", "4", "SPEAKER_CONCURENCY: no such setting; known are SPEAKER_API_"),
        ("SPEAKER_CONCURRENCY", "0", "SPEAKER_CONCURRENCY: Input should be greater than"),
        ("SPEAKER_LOG_FORMAT", "xml", "SPEAKER_LOG_FORMAT: Input should be 'json' or 'text'"),
        ("SPEAKER_RUNTIME_IMAGE", "runtime:1", "must contain {engine}"),
        ("SPEAKER_RUNTIME_IMAGE", "runtime:{tag}", "only {engine} can be filled in"),
        ("SPEAKER_MODEL_FETCH_ENV", "PIP=x", "SPEAKER_MODEL_FETCH_ENV: Value error, must be JSON"),
        ("SPEAKER_MODEL_FETCH_ENV", '{"A-B": "x"}', "SPEAKER_MODEL_FETCH_ENV.A-B.[key]: String"),
        ("SPEAKER_MODEL_FETCH_ENV", '{"A": ""}', "SPEAKER_MODEL_FETCH_ENV.A: String should have"),
        ("SPEAKER_MODEL_FETCH_ENV_FROM", "[{}]", "must have secretRef or configMapRef"),
        ("SPEAKER_MODEL_FETCH_ENV_FROM", '[{"secret": {}}]', "_FROM.0.secret: Extra inputs"),
    ],
)
def test_a_mistake_is_told_with_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettingsError) as error:
        load()
    assert words in str(error.value)
    assert name in str(error.value)


def test_the_environment_of_fetches_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKER_MODEL_FETCH_ENV", '{"PIP_INDEX_URL": "https://index.test/simple"}')
    monkeypatch.setenv("SPEAKER_MODEL_FETCH_ENV_FROM", '[{"secretRef": {"name": "registries"}}]')
    settings = load()
    assert settings.model_fetch_env == {"PIP_INDEX_URL": "https://index.test/simple"}
    (source,) = settings.model_fetch_env_from
    assert source.to_manifest() == {"secretRef": {"name": "registries"}}


def test_the_runtime_image_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEAKER_RUNTIME_IMAGE")
    with pytest.raises(InvalidSettingsError, match="SPEAKER_RUNTIME_IMAGE: Field required"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPEAKER_TTS_SERVICE_HOST", "10.0.0.1"),
        ("SPEAKER_TTS_SERVICE_PORT_HTTP", "80"),
        ("SPEAKER_TTS_PORT", "tcp://10.0.0.1:80"),
        ("SPEAKER_TTS_PORT_80_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_links_to_a_service_of_a_similar_name_are_no_settings(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert load()


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
