"""Which voices a service offers, under which names, and what is wrong with them."""

from speaker_operator.api.v1alpha1 import TTSService, Voice
from speaker_operator.render.voices import Assignment, assign, default_problem, select
from tests.unit.speaker_operator.factories import service, voice, voice_manifest

MEDIA = {"team": "media"}


def assigned(*voices: Voice, to: TTSService | None = None) -> dict[str, Assignment]:
    return {each.name: each for each in assign(to or service(), voices)}


def reason(assignment: Assignment) -> str | None:
    return assignment.problem.reason if assignment.problem else None


def test_a_service_offers_all_voices_of_its_namespace_by_name() -> None:
    manifest = voice_manifest("cleo")
    manifest["metadata"]["namespace"] = "elsewhere"
    voices = [voice("ben"), Voice.model_validate(manifest), voice("ana")]
    assert [each.metadata.name for each in select(service(), voices)] == ["ana", "ben"]


def test_a_selector_narrows_the_choice() -> None:
    of = service(voices={"selector": {"matchLabels": MEDIA}})
    voices = [voice("ana", MEDIA), voice("ben")]
    assert [each.metadata.name for each in select(of, voices)] == ["ana"]


def test_a_voice_on_its_way_out_is_not_offered() -> None:
    manifest = voice_manifest("ana")
    manifest["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert select(service(), [Voice.model_validate(manifest)]) == []


def test_an_alias_that_one_voice_claims_is_its_own() -> None:
    assert assigned(voice("ana", aliases=["nova"]))["ana"].aliases == ("nova",)


def test_a_contested_alias_belongs_to_nobody_and_both_hear_of_it() -> None:
    of = assigned(voice("ana", aliases=["nova", "alloy"]), voice("ben", aliases=["nova"]))
    assert of["ana"].aliases == ("alloy",)
    assert of["ben"].aliases == ()
    assert reason(of["ana"]) == reason(of["ben"]) == "AliasConflict"
    assert of["ana"].problem is not None
    assert "also an alias of Voice ben" in of["ana"].problem.message


def test_a_voices_own_name_comes_before_anothers_alias() -> None:
    of = assigned(voice("ana"), voice("ben", aliases=["ana"]))
    assert reason(of["ana"]) is None
    assert of["ben"].aliases == ()
    assert of["ben"].problem is not None
    assert "is the name of Voice ana" in of["ben"].problem.message


def test_aliases_conflict_only_within_a_service() -> None:
    of = service(voices={"selector": {"matchLabels": MEDIA}})
    voices = [voice("ana", MEDIA, aliases=["nova"]), voice("ben", aliases=["nova"])]
    assert assigned(*voices, to=of)["ana"].aliases == ("nova",)


def test_a_preset_that_the_model_lacks_is_reported_with_those_it_has() -> None:
    problem = assigned(voice("ana", preset="lung"))["ana"].problem
    assert problem is not None
    assert problem.reason == "PresetUnknown"
    assert "has no preset 'lung', but heart; name in the Voice" in problem.message


def test_a_voice_may_be_a_mix_where_the_backend_mixes() -> None:
    mixed = voice("ana", preset="af_heart*0.3+am_adam*0.7")
    assert reason(assigned(mixed, to=service(backend="kokoro"))["ana"]) is None
    problem = assigned(mixed)["ana"].problem
    assert problem is not None
    assert problem.reason == "MixUnsupported"
    assert "mixes none of its presets: heart; name a single speaker" in problem.message


def test_a_mix_of_a_speaker_that_the_model_lacks_is_reported_with_its_name() -> None:
    mixed = voice("ana", preset="af_heart*0.3+lung*0.7")
    problem = assigned(mixed, to=service(backend="kokoro"))["ana"].problem
    assert problem is not None
    assert problem.reason == "PresetUnknown"
    assert "has no preset 'lung'" in problem.message


def test_a_mix_that_names_a_speaker_twice_is_reported() -> None:
    mixed = voice("ana", preset="af_heart*0.3+af_heart*0.7")
    assert reason(assigned(mixed, to=service(backend="kokoro"))["ana"]) == "MixInvalid"


def test_the_presets_of_a_foreign_model_are_not_known() -> None:
    of = service(model={"source": "package://other-model"})
    assert reason(assigned(voice("ana", preset="lung"), to=of)["ana"]) is None


def test_a_default_voice_may_be_a_voice_or_a_preset() -> None:
    for default in ("ana", "heart"):
        of = service(voices={"default": default})
        assert default_problem(of, assign(of, [voice("ana")])) is None


def test_a_default_voice_that_is_neither_is_reported_with_those_there_are() -> None:
    of = service(voices={"default": "ben"})
    problem = default_problem(of, assign(of, [voice("ana")]))
    assert problem is not None
    assert "there are ana, heart; name one" in problem.message
