"""Speech of the backend against coqui-tts' own, and alone against in company."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from speaker_runtime.audio.guard import Bounds
from speaker_runtime.backends.protocol import Slice
from speaker_runtime.backends.xtts.sampling import Rules
from speaker_runtime.backends.xtts.speaking import Speaking, Utterance
from tests.unit.speaker_runtime.backends.xtts.conftest import SLOTS, Pair

TEXT = "the quick brown fox jumps over the lazy dog."
SPEAKER = "Ana Florence"
PUBLISHED = Rules()
GREEDY = Rules(top_k=1)
PATIENT = Bounds(usual=17.0, slowest=0.01, fastest=1000.0)
"""Random weights speak at no human pace."""
SHORT = Bounds(usual=17.0, slowest=1e6, fastest=1e7, margin=0.6)
"""A dozen tokens are enough where streams are compared with each other."""


@pytest.fixture
def speaking(pair: Pair) -> Speaking:
    return Speaking(pair.ours, SLOTS, PATIENT)


def begin(
    speaking: Speaking,
    pair: Pair,
    text: str = TEXT,
    *,
    rules: Rules = PUBLISHED,
    seed: int = 0,
    language: str = "en",
    pace: float = 1.0,
) -> Utterance:
    return speaking.open(
        text,
        pair.ours.reader.passes(text, language),
        pair.ours.speakers[SPEAKER],
        rules=rules,
        seed=seed,
        pace=pace,
    )


def finish(speaking: Speaking, utterances: Sequence[Utterance]) -> list[np.ndarray]:
    """Step them together until all are over; the whole samples of each."""
    parts: list[list[np.ndarray]] = [[] for _ in utterances]
    going = list(range(len(utterances)))
    with torch.inference_mode():
        while going:
            results = speaking.step([utterances[each] for each in going])
            for each, result in zip(list(going), results, strict=True):
                assert isinstance(result, Slice)
                parts[each].append(result.samples)
                if result.finished:
                    going.remove(each)
    return [np.concatenate(each) for each in parts]


def coqui_speech(pair: Pair, text: str, **options: object) -> np.ndarray:
    latents, embedding = pair.coqui.speaker_manager.speakers[SPEAKER].values()
    spoken = pair.coqui.inference(text, "en", latents, embedding, **options)
    return np.asarray(spoken["wav"])


def test_greedy_speech_is_that_of_coqui(pair: Pair, speaking: Speaking) -> None:
    expected = coqui_speech(pair, TEXT, do_sample=False)
    utterance = begin(speaking, pair, rules=GREEDY)

    (heard,) = finish(speaking, [utterance])

    assert heard.shape == expected.shape
    np.testing.assert_allclose(heard, expected, atol=1e-5)


@pytest.mark.parametrize("pace", [0.9, 1.07])
def test_another_pace_is_that_of_coqui(pair: Pair, speaking: Speaking, pace: float) -> None:
    expected = coqui_speech(pair, TEXT, do_sample=False, speed=pace)

    (heard,) = finish(speaking, [begin(speaking, pair, rules=GREEDY, pace=pace)])

    assert heard.shape == expected.shape
    np.testing.assert_allclose(heard, expected, atol=1e-5)


def test_seeded_speech_is_the_same_bit_by_bit_alone_and_among_sixteen(pair: Pair) -> None:
    texts = [f"number {each}, {TEXT[: 8 + 2 * each]}" for each in range(SLOTS)]
    rules = [
        Rules(temperature=0.5 + each / 16, top_k=[0, 5, 50, 1000][each % 4], top_p=0.7 + each / 60)
        for each in range(SLOTS)
    ]

    def one(speaking: Speaking, at: int) -> Utterance:
        return begin(speaking, pair, texts[at], rules=rules[at], seed=at)

    alone = []
    for at in range(SLOTS):
        speaking = Speaking(pair.ours, SLOTS, SHORT)
        alone += finish(speaking, [one(speaking, at)])
    for order in range(2):
        speaking = Speaking(pair.ours, SLOTS, SHORT)
        places = random.Random(order).sample(range(SLOTS), SLOTS)
        together = finish(speaking, [one(speaking, at) for at in places])
        for at, heard in zip(places, together, strict=True):
            np.testing.assert_array_equal(heard, alone[at])


def test_streams_join_and_leave_between_steps_without_a_trace(pair: Pair) -> None:
    speaking = Speaking(pair.ours, SLOTS, SHORT)
    (expected,) = finish(speaking, [begin(speaking, pair, seed=7)])
    heard: list[np.ndarray] = []
    chance = random.Random(1)
    with torch.inference_mode():
        kept = begin(speaking, pair, seed=7)
        others: list[Utterance] = []
        finished = False
        while not finished:
            others = [each for each in others if not each.over and chance.random() < 0.8]
            if len(others) < SLOTS - 1 and chance.random() < 0.5:
                others.append(begin(speaking, pair, TEXT[: chance.randrange(5, 40)], seed=3))
            batch = [*others, kept]
            chance.shuffle(batch)
            result = dict(zip(map(id, batch), speaking.step(batch), strict=True))[id(kept)]
            heard.append(result.samples)
            finished = result.finished

    np.testing.assert_array_equal(np.concatenate(heard), expected)


def test_another_seed_is_another_reading(pair: Pair, speaking: Speaking) -> None:
    first, same, other = finish(speaking, [begin(speaking, pair, seed=seed) for seed in (1, 1, 2)])

    np.testing.assert_array_equal(first, same)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_slot_is_free_as_soon_as_nobody_holds_its_stream(pair: Pair, speaking: Speaking) -> None:
    held = [begin(speaking, pair) for _ in range(SLOTS)]
    with pytest.raises(IndexError):
        begin(speaking, pair)

    del held[3]

    assert begin(speaking, pair).slot not in {each.slot for each in held}
