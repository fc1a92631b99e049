"""Local mode refuses what the API server refuses, by the same rules and in the same words."""

from pathlib import Path

import pytest

from speaker_operator.api.admission import FieldError, RefusedError, admit, admit_yaml
from speaker_operator.api.v1alpha1 import TTSService
from tests.unit.speaker_operator.api.table import WrongManifest, wrong_manifests
from tests.unit.speaker_operator.factories import service, service_manifest, voice

TABLE = wrong_manifests()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case)
def test_a_wrong_manifest_is_refused_with_its_field_and_the_remedy(row: WrongManifest) -> None:
    with pytest.raises(RefusedError) as refused:
        admit(row.manifest)
    error = str(refused.value)
    assert row.field in error
    assert row.local in error
    assert len(refused.value.errors) == 1, "one fault, one error"


def test_the_table_covers_at_least_25_mistakes() -> None:
    assert len({row.case for row in TABLE}) == len(TABLE) >= 25


def test_every_example_is_admitted(repository: Path) -> None:
    for example in sorted((repository / "examples").glob("*.yaml")):
        assert admit_yaml(example.read_text())


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(RefusedError) as refused:
        service(replicas=2, autoscaling={"maxReplicas": 1, "minReplicas": 2})
    assert {error.field for error in refused.value.errors} == {
        "spec.replicas",
        "spec.autoscaling.minReplicas",
    }
    assert "TTSService 'hello' is not valid" in str(refused.value)


def test_defaults_are_filled_in_only_inside_objects_that_are_there() -> None:
    assert service().spec.autoscaling is None
    autoscaling = service(autoscaling={"maxReplicas": 3}).spec.autoscaling
    assert autoscaling is not None
    assert (autoscaling.min_replicas, autoscaling.scale_down_delay) == (1, "5m")


def test_a_null_counts_as_absent() -> None:
    assert service(cache=None, replicas=None).spec.cache is None


def test_whole_numbers_are_quantities() -> None:
    requests = service(resources={"requests": {"cpu": 2}}).spec.resources.requests
    assert requests is not None
    assert requests.cpu == 2


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RefusedError, match="write kind: TTSService or Voice"):
        admit({**service_manifest(), "kind": "Speaker"})


def test_another_version_of_the_api_is_refused_with_the_known_one() -> None:
    with pytest.raises(RefusedError, match=r"write apiVersion: speaker-tts\.dev/v1alpha1"):
        admit({**service_manifest(), "apiVersion": "speaker-tts.dev/v2"})


def test_a_manifest_needs_a_name() -> None:
    with pytest.raises(RefusedError) as refused:
        admit({**service_manifest(), "metadata": {}})
    assert FieldError("metadata.name", "is missing: name the object, for example name: hello") in (
        refused.value.errors
    )


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(RefusedError, match="must be a Kubernetes object"):
        admit(document)


def test_text_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(RefusedError, match="YAML"):
        admit_yaml("a: [")


def test_empty_documents_are_passed_over() -> None:
    assert admit_yaml("---\n---\n# nothing\n") == []


def test_the_model_keeps_what_was_written() -> None:
    admitted = voice(aliases=["nova", "alloy"], defaults={"speed": 1.5, "sampling": {"topK": 7}})
    assert admitted.spec.aliases == ("nova", "alloy")
    assert admitted.spec.defaults.speed == 1.5
    assert admitted.spec.defaults.sampling is not None
    assert admitted.spec.defaults.sampling.top_k == 7


@pytest.mark.parametrize(
    "preset",
    [
        *("heart", "af_heart*0.3+am_adam*0.7", "a*.5+b+c*2+d*0.125", "af_heart*1"),
        *("Ana Florence", "Eugenio Matarac\u0131", "Dr. No", "Ana Florence*0.5+Alma María*0.5"),
    ],
)
def test_a_voice_is_a_speaker_or_a_mix_of_up_to_four(preset: str) -> None:
    assert voice(preset=preset).spec.preset == preset


def test_the_name_of_a_service_may_be_52_characters_long() -> None:
    assert isinstance(service("a" * 52), TTSService)


@pytest.mark.parametrize(
    "source",
    [
        "package://hibari-tts",
        "catalogue://kokoro-82m-int8",
        "hf://owner/Model-v2@0123abc/onnx",
        "pypi://hibari-tts==0.2.1/hibari/assets",
        "npm://@team/voices@2.0.1-rc.1/voices",
        "https://models.example:8443/kokoro",
        f"https://models.example/kokoro@sha256:{'a' * 64}",
        f"http://models/kokoro@sha256:{'a' * 64}",
        "s3://models/kokoro/v1.0",
        f"s3://models@sha256:{'a' * 64}",
        "pvc://models/kokoro",
        "pvc://models.team-a",
        "file:///mnt/models/kokoro",
    ],
)
def test_a_model_may_come_from_every_kind_of_address(source: str) -> None:
    assert service(model={"source": source}).model_source == source
