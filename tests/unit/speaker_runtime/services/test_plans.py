"""Plans that are made once for orders of the same speech."""

from dataclasses import replace

import numpy as np
import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.contract import Sampling, VoiceEntry, VoiceManifest
from speaker_runtime.engine.job import Priority
from speaker_runtime.services.planning import CacheUse, SpeechOrder, plan
from speaker_runtime.services.plans import Planned, Plans
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.voices.catalogue import Catalogue
from tests.support.tone import ToneBackend

CAN = ToneBackend().load(lambda _: None)
MANIFEST = VoiceManifest(voices=(VoiceEntry(name="ana", preset="low"),))
CATALOGUE = Catalogue(MANIFEST, CAN.presets)
ORDER = SpeechOrder("Good morning.", "ana", AudioFormat.MP3)


def planned(order: SpeechOrder = ORDER) -> Planned:
    return Planned(plan(order, CATALOGUE, CAN, Lexicon({})), ())


@pytest.mark.parametrize(
    "same",
    [
        replace(ORDER, client="somebody", label="17"),
        replace(ORDER, priority=Priority.BATCH, begin_within=2.0),
        replace(ORDER, audio_format=AudioFormat.OPUS, cache=CacheUse.KEEP),
    ],
)
def test_who_asks_when_and_in_which_format_changes_no_plan(same: SpeechOrder) -> None:
    plans, made = Plans(), planned()
    plans.keep(ORDER, CATALOGUE, CAN, made)
    assert plans.get(same, CATALOGUE, CAN) is made


@pytest.mark.parametrize(
    "other",
    [
        replace(ORDER, text="Good evening."),
        replace(ORDER, voice="somebody else"),
        replace(ORDER, seed=1),
        replace(ORDER, speed=1.5),
        replace(ORDER, sampling=Sampling(temperature=0.5)),
        replace(ORDER, normalize=False),
    ],
)
def test_other_speech_has_a_plan_of_its_own(other: SpeechOrder) -> None:
    plans = Plans()
    plans.keep(ORDER, CATALOGUE, CAN, planned())
    assert plans.get(other, CATALOGUE, CAN) is None


def test_a_plan_ends_with_the_voices_that_it_was_made_for() -> None:
    plans, others = Plans(), Catalogue(MANIFEST, CAN.presets)
    plans.keep(ORDER, CATALOGUE, CAN, planned())
    assert plans.get(ORDER, others, CAN) is None
    plans.keep(ORDER, others, CAN, planned())
    assert plans.get(ORDER, CATALOGUE, CAN) is None


def test_the_plan_that_was_used_longest_ago_makes_room() -> None:
    plans = Plans(most=2 * (256 + len(ORDER.text)))
    first, second, third = (replace(ORDER, seed=seed) for seed in range(3))
    for order in (first, second):
        plans.keep(order, CATALOGUE, CAN, planned(order))
    assert plans.get(first, CATALOGUE, CAN) is not None
    plans.keep(third, CATALOGUE, CAN, planned(third))
    held = [plans.get(each, CATALOGUE, CAN) is not None for each in (first, second, third)]
    assert held == [True, False, True]


def test_what_a_model_made_of_a_recording_is_not_held_by_a_plan() -> None:
    made = planned()
    clone = {"latents": np.zeros((1, 4), np.float32)}
    requests = tuple(replace(each, clone=clone) for each in made.plan.requests)
    plans = Plans()
    plans.keep(ORDER, CATALOGUE, CAN, replace(made, plan=replace(made.plan, requests=requests)))
    assert plans.get(ORDER, CATALOGUE, CAN) is None
