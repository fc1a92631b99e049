"""Utterances through language model, flow and vocoder: alone, in company, and piece by piece."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from speaker_runtime.backends.glm_tts.flow import Flow
from speaker_runtime.backends.glm_tts.flow_requests import FlowConfig, FlowRequest
from speaker_runtime.backends.glm_tts.hift import Hift
from speaker_runtime.backends.glm_tts.llama import Llama, Place
from speaker_runtime.backends.glm_tts.llama_config import LlamaConfig
from speaker_runtime.backends.glm_tts.rendering import Renderer, Voice
from speaker_runtime.backends.glm_tts.sampling import Rules, noise
from speaker_runtime.backends.glm_tts.speaking import Alphabet, Speaking, Utterance
from speaker_runtime.backends.glm_tts.tensors import Tensors
from speaker_runtime.backends.protocol import Slice, StepResult
from speaker_runtime.errors import ErrorCode, SpeechError
from tests.support.glm_models import LLM_CONFIG, flow_weights, hift_weights, llm_weights

ALPHABET = Alphabet(begin=100, end=101, first=110, codes=512)
SLOTS = 6
POSITIONS = 300
CONFIG = {**LLM_CONFIG, "tie_word_embeddings": False}
LIKELY = {"codes": range(110, 622), "end": 101, "ending": 2.5}
GREEDY = Rules(top_k=1)
TEXTS = [[each, 2, 3, 4][: 1 + each % 4] for each in range(SLOTS)]


def voice(name: str = "mia", seed: int = 0, codes: int = 8) -> Voice:
    generator = torch.Generator().manual_seed(seed)
    return Voice(
        name,
        (5, 6, 7),
        torch.randint(0, 512, (codes,), generator=generator),
        torch.randn(2 * codes + 1, 80, generator=generator) - 4,
        torch.randn(192, generator=generator),
    )


def llama(weights: dict[str, torch.Tensor] | None = None, outputs: Any = "codes") -> Llama:
    config = LlamaConfig(
        vocabulary=CONFIG["vocab_size"],
        width=CONFIG["hidden_size"],
        inner=CONFIG["intermediate_size"],
        layers=CONFIG["num_hidden_layers"],
        heads=CONFIG["num_attention_heads"],
        kv_heads=CONFIG["num_key_value_heads"],
        head=CONFIG["head_dim"],
        epsilon=CONFIG["rms_norm_eps"],
        theta=CONFIG["rope_theta"],
        positions=1024,
    )
    return Llama(
        Tensors("llm", weights or llm_weights(CONFIG, LIKELY)),
        config,
        Place(torch.device("cpu"), SLOTS, POSITIONS),
        outputs=ALPHABET.outputs() if outputs == "codes" else outputs,
    )


@pytest.fixture(scope="module")
def flow() -> Flow:
    return Flow(Tensors("flow.pt", flow_weights()), FlowConfig())


@pytest.fixture(scope="module")
def hift() -> Hift:
    return Hift(Tensors("hift.pt", hift_weights()))


@pytest.fixture(scope="module")
def model() -> Llama:
    return llama()


@pytest.fixture
def speaking(model: Llama, flow: Flow, hift: Hift) -> Speaking:
    return Speaking(model, Renderer(flow, hift), ALPHABET, SLOTS)


def begin(speaking: Speaking, *pieces: Sequence[int], seed: int = 0, **options: Any) -> Utterance:
    rules = options.pop("rules", Rules())
    return speaking.open(pieces, options.pop("voice", voice()), rules=rules, seed=seed)


def finish(speaking: Speaking, utterances: Sequence[Utterance]) -> list[list[np.ndarray]]:
    """Step them together until all are over; the sounds of each, one for each piece."""
    parts: list[list[np.ndarray]] = [[] for _ in utterances]
    going = list(range(len(utterances)))
    with torch.inference_mode():
        while going:
            results = speaking.step([utterances[each] for each in going])
            for each, result in zip(list(going), results, strict=True):
                assert isinstance(result, Slice)
                if len(result.samples):
                    parts[each].append(result.samples)
                if result.finished:
                    going.remove(each)
    return parts


def codes_by_hand(
    model: Llama, said: Sequence[int], codes: Sequence[int], text: Sequence[int]
) -> list[int]:
    """Greedy codes of a piece, with the whole vocabulary and the published limits."""
    prompt = [*said, *text, ALPHABET.begin, *(ALPHABET.first + code for code in codes)]
    made: list[int] = []
    for step in range(20 * len(text)):
        logits = model.logits(model.read(0, 0, torch.tensor(prompt)))[0]
        if step < 2 * len(text):
            logits[ALPHABET.end] = -torch.inf
        token = int(logits.argmax())
        if token == ALPHABET.end:
            break
        made.append(token - ALPHABET.first)
        prompt.append(token)
    return made


def test_greedy_pieces_are_those_of_the_stages_one_by_one(
    speaking: Speaking, flow: Flow, hift: Hift
) -> None:
    every, mia, texts = llama(outputs=None), voice(), ([11, 12], [13])
    said, codes, expected = list(mia.transcript), mia.codes.tolist(), []
    with torch.inference_mode():
        for text in texts:
            made = codes_by_hand(every, said, codes, text)
            said, codes = said + text, codes + made
            whole = torch.cat([mia.codes, torch.tensor(made)])
            frames = FlowConfig().frames(len(whole))
            request = FlowRequest(whole, mia.mel, flow.voice(mia.speaker), noise(3, 1, frames, 80))
            (flowed,) = flow([request])
            breath = noise(3, 2, 480 * flowed.mel.shape[1], 9)
            expected.append(hift(flowed.mel, breath).numpy())

    (heard,) = finish(speaking, [begin(speaking, *texts, seed=3, rules=GREEDY, voice=mia)])

    assert [len(each) for each in heard] == [len(each) for each in expected]
    for found, wanted in zip(heard, expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_pieces_end_by_themselves_within_their_limits(speaking: Speaking) -> None:
    text = [3, 4, 5]
    utterances = [begin(speaking, text, seed=seed) for seed in range(SLOTS)]
    lengths = {sum(map(len, heard)) // 960 for heard in finish(speaking, utterances)}
    assert all(2 * len(text) - 1 <= each <= 20 * len(text) for each in lengths)
    assert len(lengths) > 2  # some end by themselves


def test_speech_is_the_same_bit_by_bit_alone_and_in_company(
    model: Llama, flow: Flow, hift: Hift
) -> None:
    def one(speaking: Speaking, at: int) -> Utterance:
        rules = Rules(temperature=0.7 + at / 10, top_k=[25, 5, 1, 50][at % 4])
        mine = voice(f"voice {at % 2}", seed=at % 2)
        return begin(speaking, TEXTS[at], [at], seed=at, rules=rules, voice=mine)

    alone = []
    for at in range(SLOTS):
        speaking = Speaking(model, Renderer(flow, hift), ALPHABET, SLOTS)
        alone += finish(speaking, [one(speaking, at)])
    speaking = Speaking(model, Renderer(flow, hift), ALPHABET, SLOTS)
    places = random.Random(1).sample(range(SLOTS), SLOTS)
    together = finish(speaking, [one(speaking, at) for at in places])

    for at, heard in zip(places, together, strict=True):
        np.testing.assert_array_equal(np.concatenate(heard), np.concatenate(alone[at]))


def test_pieces_that_are_rendered_together_differ_by_rounding(
    model: Llama, flow: Flow, hift: Hift
) -> None:
    sounds = []
    for most in (1, SLOTS):
        speaking = Speaking(model, Renderer(flow, hift, most), ALPHABET, SLOTS)
        sounds.append(finish(speaking, [begin(speaking, text) for text in TEXTS]))
    for one, several in zip(*sounds, strict=True):
        # The phase of the source adds the rounding up.
        np.testing.assert_allclose(np.concatenate(one), np.concatenate(several), atol=2e-2)


def test_streams_join_and_leave_between_steps_without_a_trace(
    model: Llama, flow: Flow, hift: Hift
) -> None:
    speaking = Speaking(model, Renderer(flow, hift), ALPHABET, SLOTS)
    (expected,) = finish(speaking, [begin(speaking, [1, 2], [3], seed=7)])
    heard: list[np.ndarray] = []
    chance = random.Random(1)
    with torch.inference_mode():
        kept = begin(speaking, [1, 2], [3], seed=7)
        others: list[Utterance] = []
        finished = False
        while not finished:
            others = [each for each in others if not each.drawn and chance.random() < 0.9]
            if len(others) < SLOTS - 1 and chance.random() < 0.2:
                others.append(begin(speaking, [chance.randrange(90)], seed=3))
            # Now and then nobody asks for the one that is kept.
            batch = [*others, *([kept] if chance.random() < 0.8 else [])]
            chance.shuffle(batch)
            results = dict(zip(map(id, batch), speaking.step(batch), strict=True))
            result = results.get(id(kept), Slice(np.zeros(0, np.float32), finished=False))
            assert isinstance(result, Slice)
            heard.append(result.samples)
            finished = result.finished

    np.testing.assert_array_equal(np.concatenate(heard), np.concatenate(expected))


def test_the_first_piece_is_heard_while_the_next_is_drawn(speaking: Speaking) -> None:
    utterance = begin(speaking, [1, 2], [3, 4], [5, 6], rules=GREEDY)
    with torch.inference_mode():
        while True:
            (result,) = speaking.step([utterance])
            assert isinstance(result, Slice)
            if len(result.samples):
                break
    assert not result.finished
    assert utterance.waiting or utterance.part is not None


def test_another_seed_is_another_reading_and_each_piece_begins_with_it_anew(
    speaking: Speaking,
) -> None:
    first, same, other = finish(speaking, [begin(speaking, [3, 4], seed=s) for s in (1, 1, 2)])
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(same))
    assert not np.array_equal(np.concatenate(first), np.concatenate(other))


def test_a_stream_that_has_nothing_to_draw_from_fails_alone(flow: Flow, hift: Hift) -> None:
    weights = llm_weights(CONFIG, LIKELY)
    weights["model.embed_tokens.weight"][77] = torch.nan
    speaking = Speaking(llama(weights), Renderer(flow, hift), ALPHABET, SLOTS)
    bad, good = begin(speaking, [77, 1]), begin(speaking, [2])
    results: list[StepResult] = []
    with torch.inference_mode():
        while not (results and isinstance(results[0], SpeechError)):
            results = speaking.step([bad, good])
    assert results[0].code is ErrorCode.SPEECH_FAILED
    assert "behind 0 codes" in results[0].message
    assert isinstance(results[1], Slice)
    assert np.concatenate(finish(speaking, [good])[0]).any()


def test_a_sentence_that_does_not_fit_is_refused_before_it_takes_a_slot(speaking: Speaking) -> None:
    with pytest.raises(SpeechError, match="A sentence of 97 tokens takes 304 places") as failed:
        begin(speaking, list(range(97)))
    assert failed.value.code is ErrorCode.TEXT_NOT_SPEAKABLE
    held = [begin(speaking, [1]) for _ in range(SLOTS)]
    assert len({each.slot for each in held}) == SLOTS


def test_what_was_said_is_forgotten_rather_than_a_piece_cut_off(speaking: Speaking) -> None:
    # Three pieces of at most 80 codes each go beyond 300 places together.
    utterance = begin(speaking, *[[each] * 4 for each in range(1, 6)], rules=GREEDY)
    sizes = []
    with torch.inference_mode():
        while not utterance.drawn:
            speaking.step([utterance])
            if utterance.part is not None:
                part = utterance.part
                assert part.limits.most == 80
                assert len(part.prompt) + part.limits.most <= POSITIONS
                sizes.append(len(part.prompt))
    assert max(sizes) > min(sizes)


def test_a_slot_is_free_as_soon_as_nobody_holds_its_stream(speaking: Speaking) -> None:
    held = [begin(speaking, [1]) for _ in range(SLOTS)]
    with pytest.raises(IndexError):
        begin(speaking, [1])

    del held[3]

    assert begin(speaking, [1]).slot not in {each.slot for each in held}


def test_nothing_to_say_is_over_at_once(speaking: Speaking) -> None:
    assert finish(speaking, [begin(speaking)]) == [[]]
