"""Chance, and rules as columns."""

import numpy as np
import pytest
import torch

from speaker_runtime.backends.pytorch.drawing import Rows, generator, uniform
from speaker_runtime.backends.xtts.sampling import Rules


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, 2**64])
def test_chance_is_a_matter_of_the_seed_alone(seed: int) -> None:
    assert torch.equal(uniform(seed, 100), uniform(seed, 100))
    assert torch.equal(uniform(seed, 200)[:100], uniform(seed, 100))
    assert not torch.equal(uniform(seed, 100), uniform(seed + 1, 100))
    assert uniform(seed, 100).min() >= 0
    assert uniform(seed, 100).max() < 1


def test_no_stage_repeats_what_another_one_drew() -> None:
    first, second = (generator(7, stage).random(1000) for stage in (0, 1))
    assert not set(first) & set(second)


def test_stage_0_is_the_plain_generator_of_the_seed() -> None:
    plain = np.random.Generator(np.random.Philox(key=7))
    np.testing.assert_array_equal(generator(7).random(100), plain.random(100))


def test_rules_of_which_one_takes_all_candidates_take_all() -> None:
    rows = Rows([Rules(top_k=3), Rules(top_k=5)], torch.device("cpu"))
    assert (rows.most, rows.top_k.tolist()) == (5, [[3], [5]])
    assert Rows([Rules(top_k=3), Rules(top_k=0)], torch.device("cpu")).most == 0
