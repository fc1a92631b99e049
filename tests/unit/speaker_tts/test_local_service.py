"""Local mode reads the cluster's YAML and refuses what a cluster would refuse."""

from pathlib import Path
from typing import Any

import pytest

from speaker_tts.errors import InvalidManifest
from speaker_tts.local.service import load_documents, resolve

API = "speaker-tts.dev/v1alpha1"


def a_service(name: str = "hello", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "TTSService",
        "metadata": {"name": name},
        "spec": {"backend": "hibari"} | spec,
    }


def a_voice(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "Voice",
        "metadata": {"name": name},
        "spec": {"languages": ["en"], "preset": "heart"} | spec,
    }


def test_the_documents_become_what_the_runtime_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    serving = {"maxInputCharacters": 99, "lexicon": {"SQL": "sequel"}}
    local = resolve([a_service(serving=serving), a_voice("ana")])
    assert local.config.service == "hello"
    assert local.config.serving.max_input_characters == 99
    assert local.config.serving.lexicon == {"SQL": "sequel"}
    assert local.config.model.directory.is_relative_to("/somewhere/speaker-tts/models")
    assert [v.name for v in local.voices.voices] == ["ana"]


def test_fields_for_clusters_alone_are_named() -> None:
    model = {"credentialsSecret": "hf-token"}
    local = resolve([a_service(replicas=3, cache={"size": "1Gi"}, model=model)])
    assert local.unused == ("spec.cache", "spec.model.credentialsSecret", "spec.replicas")


def test_spoken_audio_is_kept_in_a_folder_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    kept = resolve([a_service()]).config.serving.audio_cache
    assert kept is not None
    assert kept.directory == Path("/somewhere/speaker-tts/audio/hello")


def test_a_shared_cache_is_named_as_unused_unless_its_address_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = a_service(serving={"audioCache": {"redis": {"secretKeyRef": {"name": "redis"}}}})
    monkeypatch.delenv("SPEAKER_TTS_SHARED_CACHE_URL", raising=False)
    (unused,) = resolve([declared]).unused
    assert unused.startswith("spec.serving.audioCache.redis")
    monkeypatch.setenv("SPEAKER_TTS_SHARED_CACHE_URL", "redis://localhost")
    assert resolve([declared]).unused == ()


def test_a_voice_that_cannot_be_served_is_told_and_the_rest_is_served() -> None:
    local = resolve([a_service(), a_voice("ana"), a_voice("bob", preset="nobody")])
    assert len(local.problems) == 1
    assert "'nobody'" in local.problems[0]


def test_what_admission_refuses_is_refused_with_the_field_and_the_remedy() -> None:
    wrong = a_service(replicas=2, autoscaling={"maxReplicas": 4})
    with pytest.raises(InvalidManifest, match=r"spec\.replicas.*remove"):
        resolve([wrong])


def test_without_a_service_there_is_nothing_to_serve() -> None:
    with pytest.raises(InvalidManifest, match="no TTSService"):
        resolve([a_voice("ana")])


def test_among_several_services_one_is_chosen_by_name() -> None:
    both = [a_service("one"), a_service("two")]
    assert resolve(both, "two").config.service == "two"
    with pytest.raises(InvalidManifest, match="--service: one, two"):
        resolve(both)
    with pytest.raises(InvalidManifest, match="'three'"):
        resolve(both, "three")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not YAML"),
        ("- just\n- a list\n", "must be an object"),
        ("kind: TTSService\n", "apiVersion"),
        ("apiVersion: v1\nkind: Pod\n", "apiVersion"),
        ("apiVersion: speaker-tts.dev/v1alpha1\nkind: TTSService\nmetadata: 3\n", "metadata"),
        ("apiVersion: speaker-tts.dev/v1alpha1\nkind: TTSService\nmetadata: {name: a}\n", "spec"),
    ],
)
def test_a_file_that_is_not_a_manifest_is_said_to_be_none(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(text)
    with pytest.raises(InvalidManifest, match=told):
        resolve(load_documents(file))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidManifest, match=r"absent\.yaml"):
        load_documents(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    "spec", [{"backend": "gateway"}, {"backend": "custom", "image": "example.com/speech:1"}]
)
def test_what_only_runs_on_a_cluster_is_refused_and_says_so(spec: dict[str, Any]) -> None:
    documents = [a_service("front", **spec), a_service("hello")]
    with pytest.raises(InvalidManifest, match="only runs on a cluster: choose another service"):
        resolve(documents, "front")
    assert resolve(documents, "hello").config.backend == "hibari"
