"""Reading x from g^x mod p: chance, bits, what is read where something is and where nothing is."""

import numpy as np
import pandas as pd
import pytest
import torch

from codespectra.errors import UserError
from codespectra.theory.bit_networks import train_bits
from codespectra.theory.hardness import as_bits, chance_accuracy, decode

SETTINGS = {
    **{"width": 64, "steps": 150, "learning_rate": 0.02},
    **{"read_out_width": 16, "read_out_steps": 100, "read_out_learning_rate": 0.03},
}


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


@pytest.mark.parametrize("p", [11, 13, 59, 127, 257])
def test_chance_is_the_more_frequent_value_of_each_bit(p):
    bits = as_bits(list(range(1, p)), p).double().numpy()
    assert bits @ 2 ** np.arange(bits.shape[1]) == pytest.approx(np.arange(1, p))
    best = np.maximum(bits.mean(axis=0), 1 - bits.mean(axis=0)).mean()
    assert chance_accuracy(p) == pytest.approx(best, abs=1e-12)


def test_read_outs_find_x_where_it_is_and_not_where_it_is_not():
    rows = decode(107, 2, seeds=(0, 1, 2), **SETTINGS)
    assert len(rows) == 3 * 3 * 2
    assert {row["tested"] for row in rows} == {53}
    assert min(row["learned"] for row in rows) == 1
    right = pd.DataFrame(rows).groupby(["code", "read_out"])["accuracy"].mean()
    # The network keeps x itself, which the task doesn't need; the optimal code has none of it.
    assert (right["last hidden layer"] > 0.95).all()
    assert (right["output bits"] < chance_accuracy(107) + 0.05).all()


def test_a_seed_is_alike_beside_others():
    together = decode(23, 5, seeds=(4, 7), **SETTINGS | {"steps": 20})
    alone = decode(23, 5, seeds=(7,), **SETTINGS | {"steps": 20})
    kept = [row for row in together if row["seed"] == 7]
    for row, other in zip(kept, alone, strict=True):
        assert row == pytest.approx(other, abs=1e-6)


def test_networks_learn_bits_that_their_inputs_tell():
    x = torch.stack([as_bits(list(range(64)), 64)] * 2)
    parity = x.sum(dim=-1, keepdim=True) % 2
    for hidden, learns in (((32,), True), ((), False)):
        network = train_bits(
            2 * x - 1,
            parity,
            hidden=hidden,
            steps=400,
            learning_rate=0.03,
            generators=generators(2),
        )
        right = ((network.logits(2 * x - 1) > 0) == (parity > 0)).double().mean(dim=(1, 2))
        assert (right == 1).all() if learns else (right < 0.75).all()


def test_logits_that_are_no_longer_finite_end_in_one_line():
    x = torch.full((1, 4, 3), 1e38)
    with pytest.raises(UserError, match=r"no longer finite; lower the learning rates of theory\."):
        train_bits(
            x, x[..., :1] * 0, hidden=(4,), steps=3, learning_rate=100, generators=generators(1)
        )
