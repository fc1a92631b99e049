"""Which server answers: by model, by voice, by what waits there."""

import pytest

from speaker_runtime.contract import Upstream
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.gateway.choosing import in_order, of_model, of_voice
from speaker_runtime.services.gateway.offering import OfferedVoice, Offering
from speaker_runtime.services.gateway.upstream import FAILURES_IN_A_ROW, Server

OPENAI = ("tts-1", "tts-1-hd")


def server(
    name: str,
    *,
    models: tuple[str, ...] = ("hibari", *OPENAI),
    voices: tuple[str, ...] | None = ("heart",),
    queued: float = 0.0,
    is_ours: bool = True,
) -> Server:
    made = Server(Upstream(name=name, url="http://x", kind="speaker" if is_ours else "openai"))
    listed = None if voices is None else tuple(OfferedVoice(each) for each in voices)
    made.offering = Offering(models, listed)
    made.is_known = True
    made.succeeded(queued)
    return made


def names(servers: list[Server]) -> list[str]:
    return [each.name for each in servers]


ONE, TWO = server("one"), server("two", models=("kokoro", *OPENAI), voices=("af_heart", "am_adam"))
FAR = server("far", models=("gpt-4o-mini-tts",), voices=None, is_ours=False)


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("one", ["one"]),
        ("kokoro", ["two"]),
        ("tts-1", ["one", "two"]),
        ("gpt-4o-mini-tts", ["far"]),
    ],
)
def test_a_model_chooses_the_servers_that_have_it(model: str, wanted: list[str]) -> None:
    assert names(of_model([ONE, TWO, FAR], model)) == wanted


def test_a_servers_own_name_means_it_alone() -> None:
    named = server("hibari", models=("kokoro",))
    assert names(of_model([ONE, named], "hibari")) == ["hibari"]


@pytest.mark.parametrize(
    ("voice", "wanted"),
    [
        ("heart", ["one"]),
        ("am_adam", ["two"]),
        ("af_heart*0.3+am_adam*0.7", ["two"]),
        ("alloy", ["one", "two"]),
        ("somebody", ["far"]),
    ],
)
def test_a_voice_chooses_who_has_it_then_who_speaks_for_it(voice: str, wanted: list[str]) -> None:
    assert names(of_voice([ONE, TWO, FAR], voice)) == wanted


def test_what_does_not_exist_is_refused_with_what_does() -> None:
    with pytest.raises(SpeechError) as model:
        of_model([ONE, TWO], "tts-l")
    assert model.value.code is ErrorCode.MODEL_NOT_FOUND
    assert "Did you mean 'tts-1'?" in model.value.suggestion
    assert "kokoro" in model.value.message
    with pytest.raises(SpeechError) as voice:
        of_voice([ONE, TWO], "hart")
    assert voice.value.code is ErrorCode.VOICE_NOT_FOUND
    assert "Did you mean 'heart'?" in voice.value.suggestion


def test_nothing_is_said_not_to_exist_while_a_server_has_never_answered() -> None:
    silent = Server(Upstream(name="silent", url="http://x"))
    for choose, name in ((of_model, "kokoro-9"), (of_voice, "nobody")):
        with pytest.raises(SpeechError) as error:
            choose([ONE, silent], name)
        assert error.value.code is ErrorCode.UPSTREAM_UNAVAILABLE
        assert "silent" in error.value.message


def test_the_least_queued_comes_first_and_equals_take_turns() -> None:
    idle, also, busy = server("idle"), server("also"), server("busy", queued=12.0)
    assert names(in_order([busy, idle, also], 0)) == ["idle", "also", "busy"]
    assert {in_order([idle, also], turn)[0].name for turn in (0, 1)} == {"idle", "also"}


def test_what_was_sent_and_has_not_begun_counts_until_the_server_says_how_much_waits() -> None:
    first, second = server("first"), server("second")
    with first.busy(characters=300):
        assert first.queued_seconds == pytest.approx(20)
        assert in_order([first, second], 0)[0] is second
        first.succeeded(3.0)
        assert first.queued_seconds == pytest.approx(3)
    assert first.queued_seconds == pytest.approx(3)


def test_a_server_is_out_after_failures_in_a_row_and_back_after_one_answer() -> None:
    shaky, sound = server("shaky"), server("sound")
    for _ in range(FAILURES_IN_A_ROW - 1):
        shaky.failed("it cannot be reached")
    assert shaky.in_service, "one pod of several may have gone"
    shaky.failed("it cannot be reached")
    assert names(in_order([shaky, sound], 0)) == ["sound"]
    with pytest.raises(SpeechError) as error:
        in_order([shaky], 0)
    assert error.value.code is ErrorCode.UPSTREAM_UNAVAILABLE
    assert "shaky: it cannot be reached" in error.value.message
    assert error.value.retry_after
    shaky.succeeded()
    assert names(in_order([shaky], 0)) == ["shaky"]


def test_a_server_is_asked_for_a_model_by_a_name_that_it_knows() -> None:
    assert ONE.model_called("one") == "hibari"
    assert ONE.model_called("tts-1") == "tts-1"
