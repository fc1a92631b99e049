"""The rules of drawing against the same rules row by row, in loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speaker_runtime.backends.glm_tts.sampling import (
    NO_TOKEN,
    WINDOW,
    Limits,
    Rules,
    candidates,
    draws,
    masked,
    noise,
    sample,
)
from speaker_runtime.backends.pytorch.drawing import Rows
from speaker_runtime.contract import Sampling

CPU = torch.device("cpu")
TOKENS = 60
PUBLISHED = Rules()
RULES = st.builds(
    Rules,
    temperature=st.floats(0.3, 2.0),
    top_k=st.integers(2, TOKENS + 5),
    top_p=st.floats(0.05, 1.0),
)


def nucleus(p: np.ndarray, rules: Rules = PUBLISHED) -> tuple[list[int], list[float]]:
    """Candidates and their probabilities, by float32 sums."""
    order = np.argsort(-p, kind="stable")
    total = np.float32(0)
    ids: list[int] = []
    kept: list[float] = []
    for token in order:
        if not (total < np.float32(rules.top_p) and len(ids) < rules.top_k):
            break
        ids.append(int(token))
        kept.append(float(p[token]))
        total = np.float32(total + p[token])
    return ids, kept


def picked(weights: list[float], chance: float) -> tuple[int, float]:
    """Where the chance falls, and how far from the next edge."""
    edges = np.cumsum(np.asarray(weights, np.float64))
    aim = chance * edges[-1]
    return int(np.searchsorted(edges, aim, side="right")), float(np.abs(edges - aim).min())


def by_hand(
    logits: np.ndarray, recent: list[int], rules: Rules, chance: tuple[float, float]
) -> tuple[int, bool, float]:
    scores = logits.astype(np.float64) / rules.temperature
    p = np.exp(scores - scores.max())
    p = (p / p.sum()).astype(np.float32)
    ids, kept = nucleus(p, rules)
    place, clear = picked(kept, chance[0])
    token = ids[place]
    if recent.count(token) >= 10 * 0.1:
        token, others = picked(p.tolist(), chance[1])
        return token, True, min(clear, others)
    return token, False, clear


def probabilities(seed: int, rows: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(rows, TOKENS, generator=generator) * 2, dim=1)


def history(*said: list[int]) -> torch.Tensor:
    made = torch.full((len(said), WINDOW), NO_TOKEN)
    for row, tokens in enumerate(said):
        if tokens:
            made[row, -len(tokens) :] = torch.tensor(tokens)
    return made


@settings(max_examples=80, deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=4), seed=st.integers(0, 10_000))
def test_every_row_is_drawn_as_by_hand(rules: list[Rules], seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(len(rules), TOKENS)) * 2.5).astype(np.float32)
    said = [rng.integers(0, TOKENS, rng.integers(0, WINDOW + 1)).tolist() for _ in rules]
    for row, tokens in enumerate(said):
        if tokens:  # likely enough to be drawn once more
            tokens[-1] = int(logits[row].argmax())
    chance = rng.random((len(rules), 2))

    drawn = sample(
        torch.from_numpy(logits), history(*said), Rows(rules, CPU), torch.from_numpy(chance)
    )

    assert not drawn.stuck.any()
    for row, each in enumerate(rules):
        token, again, clear = by_hand(logits[row], said[row], each, tuple(chance[row]))
        if clear > 1e-5:
            assert (int(drawn.tokens[row]), bool(drawn.again[row])) == (token, again)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rules=RULES)
def test_candidates_are_those_of_a_running_sum(seed: int, rules: Rules) -> None:
    p = probabilities(seed)
    ids, kept = nucleus(p[0].numpy(), rules)

    found = candidates(p, Rows([rules], CPU))

    assert found.tokens[0, : len(ids)].tolist() == ids
    np.testing.assert_allclose(found.weights[0, : len(ids)], kept, atol=1e-6)
    assert not found.weights[0, len(ids) :].any()


def test_the_one_that_crosses_the_limit_is_a_candidate_and_25_are_the_most() -> None:
    rows = Rows([PUBLISHED], CPU)
    crossing = torch.tensor([[0.5, 0.29, 0.11, 0.1]])
    assert candidates(crossing, rows).weights.gt(0).sum() == 3
    one = torch.tensor([[0.9, 0.05, 0.05]])
    assert candidates(one, rows).weights.tolist() == [[pytest.approx(0.9), 0.0, 0.0]]
    flat = torch.full((1, 100), 0.01)
    assert candidates(flat, rows).weights.gt(0).sum() == 25
    # Sixteen times 0.05 are a little more than 0.8 in float32, one after the other.
    ids, _ = nucleus(np.full(20, 0.05, np.float32))
    assert candidates(torch.full((1, 20), 0.05), rows).weights.gt(0).sum() == len(ids)


def test_of_equal_tokens_the_lowest_come_first() -> None:
    p = torch.tensor([[0.1, 0.2, 0.2, 0.1, 0.2, 0.2]])
    found = candidates(p, Rows([PUBLISHED], CPU))
    assert found.tokens.tolist() == [[1, 2, 4, 5, 0, 3]]


def test_what_was_said_within_ten_tokens_is_drawn_again_of_all() -> None:
    logits = torch.full((1, TOKENS), 0.0)
    logits[0, 3] = 9.0
    rows = Rows([PUBLISHED], CPU)
    chance = torch.tensor([[0.5, 1 - 2**-24]], dtype=torch.float64)

    fresh = sample(logits, history([1] * 10), rows, chance)
    repeated = sample(logits, history([3, *[1] * 9]), rows, chance)

    assert (fresh.tokens.tolist(), fresh.again.tolist()) == ([3], [False])
    # The unlikeliest of all comes into question, and what is drawn again is not checked again.
    assert (repeated.tokens.tolist(), repeated.again.tolist()) == ([TOKENS - 1], [True])
    low = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    assert sample(logits, history([3]), rows, low).tokens.tolist() == [3]


def test_greedy_is_the_likeliest_however_often_it_was_said() -> None:
    logits = torch.tensor([[0.0, 3.0, 2.9], [1.0, -1.0, 0.5]])
    rows = Rows([Rules(top_k=1)] * 2, CPU)
    for chance in (0.0, 0.5, 1 - 2**-24):
        each = torch.full((2, 2), chance, dtype=torch.float64)
        drawn = sample(logits, history([1] * 10, [0]), rows, each)
        assert drawn.tokens.tolist() == [1, 0]
        assert not drawn.again.any()


def test_a_row_is_the_same_in_any_company() -> None:
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(16, 5000, generator=generator) * 2
    rules = [Rules(top_k=2 + each, top_p=0.5 + each / 40) for each in range(16)]
    said = [torch.randint(0, 5000, (WINDOW,), generator=generator).tolist() for _ in rules]
    for row in range(0, 16, 2):
        said[row][0] = int(logits[row].argmax())
    chance = torch.rand(16, 2, generator=generator, dtype=torch.float64) * 0.3

    together = sample(logits, history(*said), Rows(rules, CPU), chance)

    assert together.again.any()
    for row in range(16):
        own = slice(row, row + 1)
        alone = sample(logits[own], history(said[row]), Rows([rules[row]], CPU), chance[own])
        assert (alone.tokens, alone.again) == (together.tokens[own], together.again[own])


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_logits_that_are_no_numbers_stick_and_leave_the_others_alone(bad: float) -> None:
    logits = torch.zeros(3, TOKENS)
    logits[0, 5] = logits[2, 7] = 20.0
    logits[1, 3] = bad
    rows = Rows([PUBLISHED] * 3, CPU)
    chance = torch.full((3, 2), 0.5, dtype=torch.float64)

    drawn = sample(logits, history([], [], []), rows, chance)
    nothing = sample(
        torch.full((1, 4), -torch.inf), history([]), Rows([PUBLISHED], CPU), chance[:1]
    )

    assert drawn.stuck.tolist() == [False, True, False]
    assert drawn.tokens[[0, 2]].tolist() == [5, 7]
    assert nothing.stuck.tolist() == [True]


def test_a_piece_does_not_end_before_twice_its_text_and_ends_at_twenty_times() -> None:
    assert Limits.of(7) == Limits(14, 140)
    assert Limits.of(0) == Limits(0, 0)
    logits = torch.zeros(2, 5)
    logits[:, 4] = 30.0
    found = masked(logits, 4, [True, False])
    assert found[0].tolist() == [0, 0, 0, 0, -torch.inf]
    assert found[1, 4] == 30.0


def test_what_a_request_does_not_say_is_as_published() -> None:
    assert Rules.of(Sampling()) == PUBLISHED == Rules(1.0, 25, 0.8)
    assert Rules.of(Sampling(top_k=0)) == PUBLISHED
    asked = Sampling(temperature=0.7, top_k=1, top_p=0.5, repetition_penalty=2.0)
    assert Rules.of(asked) == Rules(0.7, 1, 0.5)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, 2**64])
def test_chance_is_a_matter_of_the_seed_and_the_stage_alone(seed: int) -> None:
    assert torch.equal(draws(seed, 200)[:100], draws(seed, 100))
    assert not torch.equal(draws(seed, 100), draws(seed + 1, 100))
    assert draws(seed, 100).min() >= 0
    assert draws(seed, 100).max() < 1
    first, second = noise(seed, 1, 50, 80), noise(seed, 2, 50, 80)
    assert torch.equal(first, noise(seed, 1, 50, 80))
    assert not torch.equal(first, second)
    assert abs(float(first.mean())) < 0.1
    assert abs(float(first.std()) - 1) < 0.1
