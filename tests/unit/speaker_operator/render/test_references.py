"""What pods are told of recordings, and what keeps a recording from them."""

from typing import Any

import pytest

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.reasons import Reason
from speaker_operator.render.children import render
from speaker_operator.render.references import Problem, Source, Sources, sources_of
from speaker_operator.render.runtime_config import MANIFEST_BYTES, offered, voice_manifest
from speaker_operator.render.voices import assign
from speaker_runtime.contract import VoiceReference
from tests.unit.speaker_operator.factories import SETTINGS, TERMS, service, voice
from tests.unit.speaker_operator.factories import voice_manifest as declared

DIGEST = f"sha256:{'a' * 64}"
ANA = Source("Secret", "speech", "ana", "ana.wav")
FOUND: Sources = {ANA: DIGEST}
SECRET = {"secretKeyRef": {"name": "ana", "key": "ana.wav"}}


def clone(*audio: dict[str, Any], name: str = "ana", **other: Any) -> Voice:
    manifest = declared(name)
    del manifest["spec"]["preset"]
    manifest["spec"] |= TERMS | {"reference": {"audio": list(audio or (SECRET,))}} | other
    return Voice.model_validate(manifest)


def cloning(**spec: Any) -> TTSService:
    return service(image="registry.test/clones:1", **spec)


def reference(of: TTSService, each: Voice, sources: Sources = FOUND) -> VoiceReference:
    (entry,) = voice_manifest(of, [each], sources).voices
    assert entry.problem is None, entry.problem
    assert entry.reference is not None
    return entry.reference


def reason(of: TTSService, each: Voice, sources: Sources = FOUND) -> str:
    """Why the voice is not served; pods are told the same, and nothing of the recording."""
    (assignment,) = assign(of, [each], sources)
    assert assignment.problem is not None
    (entry,) = voice_manifest(of, [each], sources).voices
    assert entry.problem is not None
    assert (entry.problem.reason, entry.reference) == (assignment.problem.reason, None)
    assert assignment.problem.reason.remedy in assignment.problem.message
    return assignment.problem.reason


def test_of_a_secret_pods_are_told_the_digest_only() -> None:
    (clip,) = reference(cloning(), clone(transcript=None)).clips
    assert clip.model_dump(exclude_none=True) == {"digest": DIGEST}


def test_addresses_and_claims_are_for_the_pods() -> None:
    of = cloning(voices={"claims": ["studio"]})
    audio = (
        {"uri": "https://a.example/b.wav", "digest": DIGEST},
        {"claim": {"name": "studio", "path": "one.wav"}},
    )
    first, second = reference(of, clone(*audio)).clips
    assert (first.uri, first.digest) == ("https://a.example/b.wav", DIGEST)
    assert second.claim is not None
    assert (second.claim.name, second.claim.path) == ("studio", "one.wav")


def test_the_transcript_goes_with_the_clips() -> None:
    told = clone(reference={"audio": [SECRET], "transcript": "Hello."})
    assert reference(cloning(), told).transcript == "Hello."


def test_what_keeps_a_recording_from_the_pods() -> None:
    assert reason(service(), clone()) == "BackendCannotClone"
    assert reason(cloning(), clone(consent=None)) == "ConsentMissing"
    assert reason(cloning(), clone(license=None)) == "LicenseMissing"
    assert reason(cloning(), clone(), {}) == "SourceNotFound"
    forbidden = Problem.of(Reason.SOURCE_FORBIDDEN, "no")
    assert reason(cloning(), clone(), {ANA: forbidden}) == "SourceForbidden"
    on_claim = clone({"claim": {"name": "studio", "path": "one.wav"}})
    assert reason(cloning(), on_claim) == "ClaimNotMounted"


def test_only_what_will_be_served_is_read() -> None:
    config_map = {"configMapKeyRef": {"name": "ana", "key": "b.wav"}}
    voices = [clone(SECRET, config_map), clone(name="ben"), voice("cleo")]
    assert sources_of(cloning(), voices) == [ANA, Source("ConfigMap", "speech", "ana", "b.wav")]
    assert sources_of(service(), voices) == []
    assert sources_of(cloning(), [clone(consent=None), clone(license=None)]) == []


def test_a_voice_of_a_preset_needs_no_leave() -> None:
    assert voice_manifest(service(), [voice()]).voices[0].problem is None


def pod(of: TTSService) -> dict[str, Any]:
    (deployment,) = (each for each in render(of, [], SETTINGS) if each["kind"] == "Deployment")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def test_only_pods_that_may_clone_have_room_for_it() -> None:
    names = [each["name"] for each in pod(service())["volumes"]]
    assert "voice-states" not in names
    spec = pod(cloning(voices={"claims": ["studio", "attic"]}))
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert volumes["voice-states"]["emptyDir"]["sizeLimit"] == "288Mi"
    claimed = [volumes[f"voices-{number}"]["persistentVolumeClaim"] for number in (0, 1)]
    assert claimed == [
        {"claimName": "studio", "readOnly": True},
        {"claimName": "attic", "readOnly": True},
    ]
    mounts = {each["name"]: each for each in spec["containers"][0]["volumeMounts"]}
    assert mounts["voices-0"] == {
        "name": "voices-0", "mountPath": "/claims/studio", "readOnly": True,
    }  # fmt: skip


def crowd(number: int, **spec: Any) -> list[Voice]:
    """Voices, each a second younger than the one before; admission is not what is tested."""
    voices = []
    for each in range(number):
        manifest = declared(f"voice-{number - each:04d}", None, **spec)
        at = f"2026-11-29T{each // 3600:02d}:{each // 60 % 60:02d}:{each % 60:02d}Z"
        manifest["metadata"]["creationTimestamp"] = at
        voices.append(Voice.model_validate(manifest))
    return voices


def test_500_voices_of_a_kilobyte_fit_into_a_config_map() -> None:
    described = crowd(500, description="x" * 850, aliases=["an-alias"])
    assert all(each.problem is None for each in offered(service(), crowd(500)))
    full = [each for each in offered(service(), described) if each.problem is not None]
    assert {each.problem.reason for each in full if each.problem} <= {"AliasConflict"}
    (config,) = (
        each for each in render(service(), described, SETTINGS) if each["kind"] == "ConfigMap"
    )
    assert sum(map(len, config["data"].values())) < 2**20


def test_where_there_is_no_room_those_who_came_first_stay() -> None:
    voices = crowd(900, description="x" * 1024)
    assignments = {each.name: each.problem for each in offered(service(), voices)}
    served = [each.metadata.name for each in voices if assignments[each.metadata.name] is None]
    assert served == [each.metadata.name for each in voices[: len(served)]]
    assert 450 < len(served) < 900
    left_out = assignments[voices[-1].metadata.name]
    assert left_out is not None
    assert left_out.reason is Reason.VOICES_FULL
    manifest = voice_manifest(service(), voices)
    assert {each.name for each in manifest.voices} == set(served)
    assert len(manifest.to_json().encode()) < MANIFEST_BYTES + 1000
    (config,) = (
        each for each in render(service(), voices, SETTINGS) if each["kind"] == "ConfigMap"
    )
    assert len(config["data"]["voices.json"]) < 2**20


@pytest.mark.parametrize("letter", ["é", "語", "😀", '"', "\n"])
def test_room_is_counted_in_bytes(letter: str) -> None:
    manifest = voice_manifest(service(), crowd(700, description=letter * 1024))
    assert len(manifest.to_json().encode()) < MANIFEST_BYTES + 1000
