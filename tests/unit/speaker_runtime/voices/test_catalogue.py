"""Which voice a name means."""

import pytest

from speaker_runtime.contract import VoiceEntry, VoiceManifest
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.voices.catalogue import OPENAI_VOICES, Catalogue, VoiceState
from speaker_runtime.voices.preset import Preset

PRESETS = (Preset("heart", ("en-US",)), Preset("fable", ("en-GB", "fr")))
ANA = VoiceEntry(name="ana", preset="heart", aliases=("nova", "narrator"))
BOB = VoiceEntry(name="bob", preset="fable")
GHOST = VoiceEntry(name="ghost", preset="nobody")


def catalogue(*entries: VoiceEntry, default: str | None = None) -> Catalogue:
    return Catalogue(VoiceManifest(voices=entries, default=default), PRESETS)


def means(found: Catalogue, name: str) -> str:
    return found.resolve(name).entry.name


@pytest.mark.parametrize(
    ("name", "voice"),
    [("ana", "ana"), ("narrator", "ana"), ("bob", "bob"), ("heart", "heart"), ("nova", "ana")],
)
def test_names_aliases_and_presets_mean_a_voice(name: str, voice: str) -> None:
    assert means(catalogue(ANA, BOB), name) == voice


def test_openai_names_that_nobody_claims_mean_the_first_voice() -> None:
    found = catalogue(BOB, ANA)
    unclaimed = set(OPENAI_VOICES) - {"nova", "fable"}
    assert {means(found, name) for name in unclaimed} == {"bob"}


def test_openai_names_mean_the_default_voice_where_one_is_named() -> None:
    assert means(catalogue(ANA, BOB, default="bob"), "alloy") == "bob"


def test_a_preset_with_an_openai_name_keeps_it() -> None:
    assert means(catalogue(ANA), "fable") == "fable"


def test_without_a_manifest_the_first_preset_is_the_default() -> None:
    assert means(catalogue(), "alloy") == "heart"


def test_a_voice_hides_the_preset_of_its_name() -> None:
    own = VoiceEntry(name="heart", preset="fable")
    assert catalogue(own).resolve("heart").entry.preset == "fable"


def test_a_voice_failed_to_find_its_preset_says_which_there_are() -> None:
    found = catalogue(GHOST, ANA)
    ghost = found.voices[0]
    assert ghost.state is VoiceState.FAILED
    assert "fable, heart" in ghost.message
    with pytest.raises(SpeechError) as refused:
        found.resolve("ghost")
    assert refused.value.code is ErrorCode.VOICE_UNAVAILABLE


def test_a_failed_voice_is_not_the_default() -> None:
    assert means(catalogue(GHOST, ANA), "alloy") == "ana"


def test_an_alias_belongs_to_the_first_that_claims_it() -> None:
    found = catalogue(ANA, VoiceEntry(name="eve", preset="heart", aliases=("nova", "evening")))
    assert means(found, "nova") == "ana"
    assert means(found, "evening") == "eve"
    assert "nova" in found.voices[1].message


def test_an_alias_cannot_take_the_name_of_a_voice() -> None:
    found = catalogue(VoiceEntry(name="eve", preset="heart", aliases=("bob",)), BOB)
    assert means(found, "bob") == "bob"


def test_an_unknown_name_is_answered_with_the_known_and_the_nearest() -> None:
    with pytest.raises(SpeechError) as refused:
        catalogue(ANA).resolve("Anna")
    assert refused.value.code is ErrorCode.VOICE_NOT_FOUND
    assert "ana, heart, fable" in refused.value.message
    assert "Did you mean 'ana'?" in refused.value.suggestion


def test_a_default_that_does_not_exist_is_told() -> None:
    found = catalogue(ANA, default="nobody")
    assert found.default is None
    with pytest.raises(SpeechError, match="'nobody'"):
        found.resolve("alloy")


def test_a_preset_speaks_its_own_languages() -> None:
    found = {voice.entry.name: voice.entry.languages for voice in catalogue().voices}
    assert found == {"heart": ("en-US",), "fable": ("en-GB", "fr")}


def mixing(*entries: VoiceEntry) -> Catalogue:
    manifest = VoiceManifest(voices=(ANA, BOB, GHOST, *entries))
    return Catalogue(manifest, PRESETS, mixes_presets=True)


def test_a_mix_of_voices_is_a_mix_of_their_presets() -> None:
    entry = mixing().resolve("narrator*0.3+bob*0.7").entry
    assert (entry.name, entry.preset) == ("narrator*0.3+bob*0.7", "heart*0.3+fable*0.7")


def test_the_preset_of_a_voice_may_be_a_mix() -> None:
    blend = VoiceEntry(name="blend", preset="heart*3+fable*7", languages=("en",))
    voice = mixing(blend).resolve("blend")
    assert (voice.state, voice.entry.preset) == (VoiceState.READY, "heart*0.3+fable*0.7")
    assert voice.entry.languages == ("en",)


def test_a_mix_of_voices_that_are_mixes_is_a_mix_of_their_presets() -> None:
    blend = VoiceEntry(name="blend", preset="heart*0.5+fable*0.5")
    assert mixing(blend).resolve("ana*0.5+blend*0.5").entry.preset == "heart*0.75+fable*0.25"


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("heart*0.3+nobody*0.7", "no preset 'nobody'; it has: fable, heart"),
        ("heart+heart", "'heart' stands in it twice"),
        ("heart*0+fable", "no voice with a share above 0"),
    ],
)
def test_a_voice_whose_mix_cannot_be_spoken_says_why(preset: str, words: str) -> None:
    found = mixing(VoiceEntry(name="blend", preset=preset))
    blend = next(voice for voice in found.voices if voice.entry.name == "blend")
    assert blend.state is VoiceState.FAILED
    assert words in blend.message


def test_a_voice_that_is_a_mix_says_where_the_model_cannot_mix() -> None:
    (blend, *_) = catalogue(VoiceEntry(name="blend", preset="heart+fable")).voices
    assert blend.state is VoiceState.FAILED
    assert "cannot mix" in blend.message


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ana+nobody", ErrorCode.VOICE_NOT_FOUND),
        ("ana+ghost", ErrorCode.VOICE_UNAVAILABLE),
        ("ana*x", ErrorCode.INVALID_VALUE),
    ],
)
def test_a_mix_of_what_cannot_speak_is_refused(name: str, code: ErrorCode) -> None:
    with pytest.raises(SpeechError) as refused:
        mixing().resolve(name)
    assert (refused.value.code, refused.value.param) == (code, "voice")


def test_a_model_that_cannot_mix_says_so() -> None:
    with pytest.raises(SpeechError, match="cannot mix") as refused:
        catalogue(ANA, BOB).resolve("ana+bob")
    assert refused.value.code is ErrorCode.VOICE_NOT_FOUND
