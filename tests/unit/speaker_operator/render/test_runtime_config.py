"""The two documents for the runtime, in a pod and on a laptop."""

from pathlib import Path
from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.render.runtime_config import model_key, runtime_config, voice_manifest
from speaker_runtime.contract import AudioCacheConfig, RuntimeConfig, Sampling, VoiceManifest
from tests.unit.speaker_operator.factories import service, voice


def config_of(declared: TTSService) -> RuntimeConfig:
    return runtime_config(declared, models=Path("/cache"), audio_cache=Path("/audio"))


def test_a_licence_that_is_accepted_reaches_the_runtime() -> None:
    model = {"source": "hf://owner/model@main", "acceptLicense": "CPML"}
    assert config_of(service(model=model)).model.accept_license == "CPML"


def test_the_spec_reaches_the_runtime() -> None:
    config = config_of(
        service(
            serving={
                "maxInputCharacters": 9,
                "maxQueueSeconds": 8,
                "maxClientSeconds": 6,
                "copies": 3,
                "drainSeconds": 7,
                "lexicon": {"kubectl": "cube control"},
            }
        ),
    )
    assert config.service == "hello"
    assert config.backend == "hibari"
    assert config.serving.max_input_characters == 9
    assert config.serving.max_queue_seconds == 8
    assert config.serving.max_client_seconds == 6
    assert config.devices.copies == 3
    assert config.serving.drain_seconds == 7
    assert config.serving.lexicon == {"kubectl": "cube control"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, 256 * 2**20),
        ({"audioCache": {"size": "1Gi"}}, 2**30),
        ({"audioCache": {"size": 20_000_000}}, 20_000_000),
    ],
)
def test_what_was_spoken_is_kept_within_its_bound(declared: dict[str, Any], expected: int) -> None:
    kept = config_of(service(serving=declared)).serving.audio_cache
    assert kept == AudioCacheConfig(directory=Path("/audio"), max_bytes=expected)


@pytest.mark.parametrize("size", [0, "0", "0Gi"])
def test_nothing_is_kept_where_the_bound_is_zero(size: str | int) -> None:
    assert config_of(service(serving={"audioCache": {"size": size}})).serving.audio_cache is None


def test_each_model_source_has_a_directory_of_its_own() -> None:
    default = config_of(service()).model
    other = config_of(service(model={"source": "package://other"})).model
    assert default.source == "package://hibari-tts"
    assert default.directory == Path("/cache") / model_key("package://hibari-tts")
    assert default.directory != other.directory


def test_the_documents_can_be_read_back() -> None:
    config = config_of(service())
    manifest = voice_manifest(service(), [voice("ana", aliases=["nova"])])
    assert RuntimeConfig.model_validate_json(config.to_json()) == config
    assert VoiceManifest.model_validate_json(manifest.to_json()) == manifest


def test_a_voice_reaches_the_runtime_with_all_it_says() -> None:
    (entry,) = voice_manifest(
        service(),
        [
            voice(
                "ana",
                displayName="Ana",
                description="Warm.",
                languages=["en", "es"],
                gender="female",
                aliases=["nova"],
                defaults={"speed": 0.5, "sampling": {"topK": 7, "temperature": 0.6}},
            )
        ],
    ).voices
    assert (entry.name, entry.display_name, entry.description) == ("ana", "Ana", "Warm.")
    assert (entry.languages, entry.gender, entry.preset) == (("en", "es"), "female", "heart")
    assert (entry.aliases, entry.defaults.speed) == (("nova",), 0.5)
    assert entry.defaults.sampling == Sampling(top_k=7, temperature=0.6)


def test_a_voice_that_leaves_chance_to_the_model_is_what_older_runtimes_read() -> None:
    for defaults in ({}, {"speed": 0.5}):
        (entry,) = voice_manifest(service(), [voice("ana", defaults=defaults)]).voices
        assert "sampling" not in entry.to_json()


@pytest.mark.parametrize(
    ("declared", "told"), [(None, None), ("auto", None), ("int8", "int8"), ("float16", "float16")]
)
def test_a_precision_is_told_where_it_is_not_the_devices_own(
    declared: str | None, told: str | None
) -> None:
    model = {"acceptLicense": "CPML"} | ({"precision": declared} if declared else {})
    xtts = service(backend="xtts", model=model)
    config = runtime_config(xtts, models=Path("/models"), audio_cache=Path("/audio"))
    assert config.model.precision == told
    assert config.model.directory == Path("/models") / model_key(xtts.model_identity)
    assert ("precision" in config.to_json()) is (told is not None)


def test_a_contested_alias_is_left_out() -> None:
    manifest = voice_manifest(service(), [voice("a", aliases=["x"]), voice("b", aliases=["x"])])
    assert [entry.aliases for entry in manifest.voices] == [(), ()]


def test_the_default_voice_is_handed_on() -> None:
    assert voice_manifest(service(voices={"default": "heart"}), []).default == "heart"
