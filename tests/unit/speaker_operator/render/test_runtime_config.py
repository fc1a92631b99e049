"""The two documents for the runtime, in a pod and on a laptop."""

from pathlib import Path

from speaker_operator.render.runtime_config import model_key, runtime_config, voice_manifest
from speaker_runtime.contract import RuntimeConfig, VoiceManifest
from tests.unit.speaker_operator.factories import service, voice


def test_a_licence_that_is_accepted_reaches_the_runtime() -> None:
    model = {"source": "hf://owner/model@main", "acceptLicense": "CPML"}
    assert runtime_config(service(model=model), Path("/cache")).model.accept_license == "CPML"


def test_the_spec_reaches_the_runtime() -> None:
    config = runtime_config(
        service(
            serving={
                "maxInputCharacters": 9,
                "maxQueueSeconds": 8,
                "drainSeconds": 7,
                "lexicon": {"kubectl": "cube control"},
            }
        ),
        Path("/cache"),
    )
    assert config.service == "hello"
    assert config.backend == "hibari"
    assert config.serving.max_input_characters == 9
    assert config.serving.max_queue_seconds == 8
    assert config.serving.drain_seconds == 7
    assert config.serving.lexicon == {"kubectl": "cube control"}


def test_each_model_source_has_a_directory_of_its_own() -> None:
    default = runtime_config(service(), Path("/cache")).model
    other = runtime_config(service(model={"source": "package://other"}), Path("/cache")).model
    assert default.source == "package://hibari-tts"
    assert default.directory == Path("/cache") / model_key("package://hibari-tts")
    assert default.directory != other.directory


def test_the_documents_can_be_read_back() -> None:
    config = runtime_config(service(), Path("/cache"))
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
                defaults={"speed": 0.5},
            )
        ],
    ).voices
    assert (entry.name, entry.display_name, entry.description) == ("ana", "Ana", "Warm.")
    assert (entry.languages, entry.gender, entry.preset) == (("en", "es"), "female", "heart")
    assert (entry.aliases, entry.defaults.speed) == (("nova",), 0.5)


def test_a_contested_alias_is_left_out() -> None:
    manifest = voice_manifest(service(), [voice("a", aliases=["x"]), voice("b", aliases=["x"])])
    assert [entry.aliases for entry in manifest.voices] == [(), ()]


def test_the_default_voice_is_handed_on() -> None:
    assert voice_manifest(service(voices={"default": "heart"}), []).default == "heart"
