"""What decides how audio sounds is in its key, and nothing else is."""

from dataclasses import replace
from typing import Any

import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pipeline import Section
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.contract import Sampling
from speaker_runtime.services.cache.keys import Origin, order_keys, utterance_key
from speaker_runtime.services.planning import Caption, Place, Plan
from speaker_runtime.text.phonemes import Pronunciation

ORIGIN = Origin("tone", "tone 1.0", "sha256:0", "cpu", 24_000)
REQUEST = SpeechRequest("Hello.", preset="low", language="en", speed=1.0, seed=0)
PLAN = Plan(
    requests=(REQUEST,),
    places=(Place(section=0, caption=0, ends=True),),
    captions=(Caption("Hello.", (0, 6)),),
    sections=(Section(),),
    end=Section(),
    warnings=(),
)


def answer_key(planned: Plan = PLAN, audio_format: AudioFormat = AudioFormat.MP3) -> str:
    return order_keys(ORIGIN, planned, audio_format).answer


def test_a_key_is_the_same_in_every_process() -> None:
    """A new one means that everything kept so far is lost: then raise VERSION, too."""
    assert utterance_key(ORIGIN, REQUEST) == (
        "eef39e700305a5d91854c4ca8a526ec5f9d0ef596c1fb5ba095e99a742abbcfd"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Hello!"},
        {"preset": "high"},
        {"language": "de"},
        {"speed": 1.1},
        {"seed": 1},
        {"sampling": Sampling(temperature=0.5)},
        {"pronunciations": (Pronunciation(0, 5, "haj"),)},
    ],
)
def test_another_request_has_another_key(change: dict[str, Any]) -> None:
    assert utterance_key(ORIGIN, replace(REQUEST, **change)) != utterance_key(ORIGIN, REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        {"backend": "other"},
        {"release": "tone 1.1"},
        {"model_digest": "sha256:1"},
        {"device": "cuda:0"},
        {"sample_rate": 22_050},
        {"precision": "int8"},
    ],
)
def test_another_origin_has_another_key(change: dict[str, Any]) -> None:
    assert utterance_key(replace(ORIGIN, **change), REQUEST) != utterance_key(ORIGIN, REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        {"requests": (replace(REQUEST, text="Hi."),)},
        {"sections": (Section(gain=0.5),)},
        {"sections": (Section(tempo=2.0),)},
        {"sections": (Section(pause=1.0),)},
        {"sections": (Section(marks=("here",)),)},
        {"end": Section(pause=1.0)},
        {"places": (Place(section=0, caption=0, ends=False),)},
    ],
)
def test_an_answer_that_is_put_together_in_another_way_has_another_key(
    change: dict[str, Any],
) -> None:
    assert answer_key(replace(PLAN, **change)) != answer_key()


def test_every_format_has_its_own_answer_and_all_share_the_utterances() -> None:
    keys = [order_keys(ORIGIN, PLAN, each) for each in AudioFormat]
    assert len({each.answer for each in keys}) == len(AudioFormat)
    assert {each.utterances for each in keys} == {(utterance_key(ORIGIN, REQUEST),)}


def test_how_the_text_was_written_and_warnings_do_not_matter() -> None:
    other = replace(PLAN, captions=(Caption("hello", None),), warnings=("read as en",))
    assert answer_key(other) == answer_key()
