"""Information through deep dropout networks: the estimator, the networks, what is kept."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from codespectra.errors import UserError
from codespectra.theory import retention
from codespectra.theory.dropout_networks import (
    DropoutNetworks,
    networks_of_each_kind,
    stack,
    train_networks,
    untrained_network,
)
from codespectra.theory.info_nce import PartnerCritics, info_nce
from codespectra.theory.mutual_information import (
    Critics,
    MutualInformation,
    Sample,
    correlated_gaussians,
    donsker_varadhan,
    lower_bounds,
    mine_loss,
)
from codespectra.theory.retention import (
    INFO_NCE,
    KINDS,
    MINE,
    TRAINED_WITH,
    TRAINED_WITHOUT,
    UNTRAINED,
)

BITS_TOLERANCE = 0.1  # of an estimate below 2.5 bits
SHAPE = {"inputs": 2, "depth": 3, "width": 16}
RECIPE = {"steps": 30, "batch": 32, "learning_rate": 1e-2}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def estimate(sample: Sample, seed: int = 0, **settings: float) -> MutualInformation:
    return both(sample, seed, **settings)[MINE]


def both(sample: Sample, seed: int = 0, **settings: float) -> dict[str, MutualInformation]:
    usual = {"hidden": 32, "steps": 200, "batch": 512, "contrast": 256, "learning_rate": 1e-2}
    return lower_bounds(sample, **(usual | settings), generator=seeded(seed))


def test_both_bounds_find_the_information_of_gaussians():
    sample, exact = correlated_gaussians(torch.tensor([0, 0.5, -0.8, 0.98]), width=1)
    np.testing.assert_allclose(exact, [0, 0.20752, 0.73697, 2.32918], atol=1e-4)
    for found in both(sample).values():
        np.testing.assert_allclose(found.bits, exact, atol=BITS_TOLERANCE)
        assert not found.diverged.any()


def test_info_nce_ends_at_its_ceiling_where_mine_goes_on():
    sample, exact = correlated_gaussians(torch.tensor([0.98]), width=1)
    found = both(sample, contrast=4)
    assert 0.9 < found[INFO_NCE].bits[0] <= 2 < found[MINE].bits[0]
    assert exact > 2


@pytest.mark.parametrize("scale", [0, 1, 30])
def test_info_nce_is_its_definition_and_never_above_ln_n(scale):
    scores = scale * torch.randn(3, 7, 7, generator=seeded(), dtype=torch.float64)
    named = scores.softmax(dim=-1).diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(info_nce(scores), (7 * named).log().mean(dim=-1))
    best = scores + 1e6 * torch.eye(7)
    assert (torch.stack([info_nce(scores), info_nce(best)]) <= math.log(7) + 1e-12).all()
    torch.testing.assert_close(info_nce(best), torch.full((3,), math.log(7)).double())


def test_partner_critics_score_each_pair_by_itself():
    critics = PartnerCritics(2, 1, 3, 8, seeded())
    x, y = torch.randn(2, 4, 1, generator=seeded(1)), torch.randn(2, 4, 3, generator=seeded(2))
    scores = critics(x, y)
    assert scores.shape == (2, 4, 4)
    torch.testing.assert_close(scores[:, 0, 2], critics(x[:, :1], y[:, 2:3])[:, 0, 0])


def test_estimate_sees_no_shift_and_scale_of_either_variable():
    gaussians, _ = correlated_gaussians(torch.tensor([0.9]), width=2)

    def moved(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = gaussians(count, generator)
        return 1e-3 * x + 5, 1e3 * y - 70

    first, second = (estimate(sample, steps=20).bits for sample in (gaussians, moved))
    np.testing.assert_allclose(first, second, atol=1e-2)
    assert first > 0.3


def test_bound_sees_no_constant_added_to_the_critic_and_does_not_overflow():
    joint, marginal = torch.randn(2, 3, 100, generator=seeded(), dtype=torch.float64)
    bound = donsker_varadhan(joint, marginal)
    plain = joint.mean(1) - marginal.exp().mean(1).log()
    torch.testing.assert_close(bound, plain)
    torch.testing.assert_close(donsker_varadhan(joint + 1e4, marginal + 1e4), bound)


def test_bound_of_the_exact_density_ratio_is_the_information():
    rho = 0.8
    sample, exact = correlated_gaussians(torch.tensor([rho]), width=1)
    x, y = (values[0, :, 0].double() for values in sample(200_000, seeded()))

    def ratio(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        power = (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
        return -power - 0.5 * math.log(1 - rho**2)

    bits = donsker_varadhan(ratio(x, y), ratio(x.roll(1), y)) / math.log(2)
    assert bits.item() == pytest.approx(exact.item(), abs=0.02)


def test_gradient_is_the_bounds_own_where_the_average_is_the_batchs_mean():
    joint, marginal = torch.randn(2, 3, 50, generator=seeded(), dtype=torch.float64)
    joint.requires_grad_(), marginal.requires_grad_()
    bound = torch.autograd.grad(-donsker_varadhan(joint, marginal).sum(), [joint, marginal])
    mean = marginal.detach().exp().mean(1).log()
    loss = torch.autograd.grad(mine_loss(joint, marginal, mean).sum(), [joint, marginal])
    torch.testing.assert_close(loss, bound)
    doubled = mine_loss(joint, marginal, mean + math.log(2)).sum()
    torch.testing.assert_close(torch.autograd.grad(doubled, marginal)[0], bound[1] / 2)


def test_critics_pair_no_x_with_its_own_y_in_the_marginal_and_share_nothing():
    critics = Critics(2, 1, 3, 8, seeded())
    x, y = torch.randn(2, 6, 1, generator=seeded(1)), torch.randn(2, 6, 3, generator=seeded(2))
    joint, marginal = critics(x, y)
    torch.testing.assert_close(marginal, critics(x.roll(1, dims=1), y)[0])
    changed = y.clone()
    changed[1] = 0
    torch.testing.assert_close(critics(x, changed)[0][0], joint[0])
    assert not torch.allclose(critics(x, changed)[0][1], joint[1])


def test_a_pair_that_is_not_finite_diverges_alone_and_leaves_no_number():
    gaussians, exact = correlated_gaussians(torch.tensor([0.8, 0.8]), width=1)

    def broken(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = gaussians(count, generator)
        y[1, 0] = torch.nan
        return x, y

    found = estimate(broken)
    assert found.diverged.tolist() == [False, True]
    assert np.isnan(found.bits[1])
    assert found.bits[0] == pytest.approx(exact[0].item(), abs=BITS_TOLERANCE)


def test_a_bound_beyond_what_the_samples_can_tell_counts_as_diverged():
    sample, _ = correlated_gaussians(torch.tensor([0.9]), width=1)
    found = estimate(sample, steps=30, learning_rate=1e3)
    assert found.diverged.all() and np.isnan(found.bits).all()


def trained(rates: dict[str, float], seed: int = 0) -> DropoutNetworks:
    generator = seeded(seed)
    start = untrained_network(**SHAPE, generator=generator)
    return train_networks(start, rates, **RECIPE, generator=generator)


def test_networks_trained_together_are_those_trained_alone():
    both = trained({"first": 0.4, "second": 0.0})
    alone = stack([trained({"first": 0.4}), trained({"second": 0.0})])
    for together, single in zip(
        both.weights + both.biases, alone.weights + alone.biases, strict=True
    ):
        torch.testing.assert_close(together, single, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(both.weights[1][0], both.weights[1][1], atol=1e-3)


def test_a_seeds_networks_and_estimates_depend_on_nothing_but_the_seed():
    results = []
    for drawn_before in (0, 5):
        torch.rand(drawn_before)
        generator = seeded(3)
        networks = networks_of_each_kind(**SHAPE, **RECIPE, dropout=0.4, generator=generator)
        sample, _ = correlated_gaussians(torch.tensor([0.9]), width=1)
        shape = {"hidden": 8, "steps": 5, "batch": 64, "contrast": 16, "learning_rate": 1e-2}
        found = lower_bounds(sample, **shape, generator=generator)
        results.append((networks.weights, {name: own.bits for name, own in found.items()}))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=0)
    assert results[0][1] == results[1][1]


def test_kinds_share_their_start_and_only_the_trained_reproduce_the_input():
    networks = networks_of_each_kind(
        **SHAPE, steps=300, batch=64, learning_rate=1e-2, dropout=0.4, generator=seeded()
    )
    start = untrained_network(**SHAPE, generator=seeded())
    for weights, first in zip(networks.weights, start.weights, strict=True):
        assert len(weights) == len(KINDS)
        torch.testing.assert_close(weights[KINDS.index(UNTRAINED)], first[0])
    x = torch.randn(4000, 2, generator=seeded(1))
    noisy = dict(zip(KINDS, networks.errors(x, torch.full((3,), 0.4), seeded(2)), strict=True))
    clean = dict(zip(KINDS, networks.errors(x, torch.zeros(3), seeded(2)), strict=True))
    assert noisy[TRAINED_WITH] < noisy[TRAINED_WITHOUT] and noisy[TRAINED_WITH] < 0.7
    assert clean[TRAINED_WITHOUT] < 0.05 < clean[UNTRAINED]


def test_dropout_is_on_while_measuring_at_its_rate_and_keeps_the_mean():
    network = untrained_network(**SHAPE, generator=seeded())
    x = torch.randn(20_000, 2, generator=seeded(1))
    generator = seeded(2)
    first, second = (network.layer_activations(x, torch.tensor([0.4]), generator) for _ in range(2))
    off = network.layer_activations(x, torch.tensor([0.0]), generator)
    assert [tuple(values.shape) for values in first] == [(1, 20_000, 16)] * 3
    assert not torch.equal(first[0], second[0])
    on = off[0] > 0
    assert (first[0][on] == 0).float().mean().item() == pytest.approx(0.4, abs=0.01)
    kept = on & (first[0] > 0)
    torch.testing.assert_close(first[0][kept], off[0][kept] / 0.6)
    torch.testing.assert_close(first[0].mean(), off[0].mean(), rtol=0.02, atol=0)


def test_a_lost_loss_names_kind_step_and_learning_rate():
    start = untrained_network(**SHAPE, generator=seeded())
    start.biases[-1][:] = torch.inf
    with pytest.raises(UserError, match=r"'?with dropout'?.* step 1 of 30.*\(0\.01\)"):
        train_networks(start, {TRAINED_WITH: 0.4}, **RECIPE, generator=seeded())


def table() -> pd.DataFrame:
    """Two seeds by hand: untrained bits fall e-fold and e^2-fold a layer, trained ones stay."""
    layers = np.arange(1, 6)
    rows = []
    for seed, rate in ((7, -1.0), (9, -2.0)):
        bits = {
            TRAINED_WITH: 2 + 0.1 * seed + 0 * layers,
            TRAINED_WITHOUT: 1.0 / layers,
            UNTRAINED: 8 * np.exp(rate * (layers - 1)),
        }
        rows += [
            {"kind": kind, "seed": seed, "layer": layer, "bits": value, "diverged": False}
            for kind in KINDS
            for layer, value in zip(layers, bits[kind], strict=True)
        ]
    return pd.DataFrame(rows)


def test_kept_beyond_is_the_difference_at_the_last_layer_for_each_seed():
    shuffled = table().sample(frac=1, random_state=0)
    np.testing.assert_allclose(retention.kept_beyond(shuffled, TRAINED_WITHOUT), [2.5, 2.7])
    expected = [2.7 - 8 * np.exp(-4), 2.9 - 8 * np.exp(-8)]
    np.testing.assert_allclose(retention.kept_beyond(shuffled, UNTRAINED), expected)


def test_decay_rate_is_the_slope_of_log_bits_above_the_floor():
    bits = table()
    noise = (bits["seed"] == 9) & (bits["kind"] == UNTRAINED) & (bits["layer"] >= 4)
    bits.loc[noise, "bits"] = [-0.01, 0.2]  # below the floor, and noise that comes after
    np.testing.assert_allclose(retention.decay_rates(bits), [-1, -2])
    np.testing.assert_allclose(retention.decay_rates(bits, TRAINED_WITH), [0, 0], atol=1e-12)


def test_decay_rate_of_too_few_layers_is_unknown_and_a_diverged_layer_is_left_out():
    bits = table()
    untrained = (bits["kind"] == UNTRAINED) & (bits["layer"] == 2)
    bits.loc[untrained, ["bits", "diverged"]] = [np.nan, True]
    rates = retention.decay_rates(bits)
    assert rates[0] == pytest.approx(-1) and np.isnan(rates[1])


def test_mean_over_seeds_leaves_diverged_runs_out_and_counts_them():
    bits = table()
    first = (bits["kind"] == TRAINED_WITH) & (bits["layer"] == 1) & (bits["seed"] == 7)
    bits.loc[first, ["bits", "diverged"]] = [np.nan, True]
    rows = retention.over_seeds(bits).set_index(["kind", "layer"])
    assert rows.loc[(TRAINED_WITH, 1), "bits"] == pytest.approx(2.9)
    assert rows.loc[(TRAINED_WITH, 1), ["seeds", "diverged"]].tolist() == [2, 0.5]
    assert rows.loc[(TRAINED_WITH, 2), ["bits", "diverged"]].tolist() == pytest.approx([2.8, 0])
