"""The rules of drawing, against those of Hugging Face's ``generate``."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from speaker_runtime.backends.xtts.sampling import Rows, Rules, sample

CPU = torch.device("cpu")
TOKENS = 40
RULES = st.builds(
    Rules,
    temperature=st.floats(0.1, 2.0),
    top_k=st.integers(0, TOKENS + 5),
    top_p=st.floats(0.05, 1.0),
    repetition_penalty=st.floats(1.0, 20.0),
)


def allowed_by_transformers(logits: torch.Tensor, said: list[int], rules: Rules) -> np.ndarray:
    """Probabilities of each token, 0 of those that may not be drawn."""
    scores = RepetitionPenaltyLogitsProcessor(rules.repetition_penalty)(
        torch.tensor([said]), logits[None].clone()
    )
    scores = TemperatureLogitsWarper(rules.temperature)(None, scores)
    if rules.top_k:
        scores = TopKLogitsWarper(rules.top_k)(None, scores)
    if rules.top_p < 1.0:
        scores = TopPLogitsWarper(rules.top_p)(None, scores)
    return torch.softmax(scores[0].double(), dim=0).numpy()


def seen_of(said: list[list[int]]) -> torch.Tensor:
    seen = torch.zeros(len(said), TOKENS, dtype=torch.bool)
    for row, tokens in enumerate(said):
        seen[row, tokens] = True
    return seen


@settings(max_examples=60, deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_every_row_is_drawn_as_generate_would_draw_it(rules: list[Rules], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(rules), TOKENS, generator=generator) * 3
    said = [[1, 5 + row, 7] for row in range(len(rules))]
    # Every hundredth of the chance that a row has finds the token in whose share it falls.
    shares = np.linspace(0.005, 0.995, 100)

    found = np.stack(
        [
            sample(
                logits, seen_of(said), Rows(rules, CPU), torch.full((len(rules),), share)
            ).numpy()
            for share in shares.astype(np.float64)
        ]
    )

    for row, each in enumerate(rules):
        probabilities = allowed_by_transformers(logits[row], said[row], each)
        edges = np.cumsum(probabilities)
        # A share that is an edge, but for rounding, may fall on either side of it.
        clear = np.abs(edges[None] - shares[:, None]).min(axis=1) > 1e-4
        expected = np.searchsorted(edges, shares, side="right")
        np.testing.assert_array_equal(found[clear, row], expected[clear])


def test_top_k_of_one_is_greedy() -> None:
    logits = torch.tensor([[0.0, 3.0, 2.9], [1.0, -1.0, 0.5]])
    rows = Rows([Rules(top_k=1, repetition_penalty=1.0)] * 2, CPU)
    seen = torch.zeros(2, 3, dtype=torch.bool)

    for chance in (0.0, 0.5, 1 - 2**-24):
        tokens = sample(logits, seen, rows, torch.full((2,), chance, dtype=torch.float64))
        assert tokens.tolist() == [1, 0]


def test_what_may_not_be_drawn_never_is_at_either_end_of_the_chance() -> None:
    logits = torch.tensor([[-9.0, 5.0, 4.0, -9.0]])
    rows = Rows([Rules(top_k=2, repetition_penalty=1.0)], CPU)
    seen = torch.zeros(1, 4, dtype=torch.bool)

    least = sample(logits, seen, rows, torch.zeros(1, dtype=torch.float64))
    most = sample(logits, seen, rows, torch.full((1,), 1 - 2**-24, dtype=torch.float64))

    assert (least.item(), most.item()) == (1, 2)
