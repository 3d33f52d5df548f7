"""Attacks against the closed form of a linear network, and what a network makes of them."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.experiments.adversarial import FGSM, PGD, attack_images, attacks
from codespectra.experiments.vulnerability import vulnerability_tables
from codespectra.models import architectures

SETTINGS = {"side": None, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
EPSILONS = (0.01, 0.05)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(64, 192, size=(9, 4, 4, 3), dtype=np.uint8)
LABELS = RNG.integers(2, size=9)


class Linear(nn.Module):
    """Two scores, linear in the pixels."""

    def __init__(self, weights: np.ndarray):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights, dtype=torch.float32))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weights.T


def attacked(network: nn.Module, images: np.ndarray = IMAGES, batch: int = 4, **options: int):
    preprocess = Preprocess(SETTINGS, torch.device("cpu"))
    settings = {"epsilons": EPSILONS, "steps": 5, "batch": batch} | options
    return attack_images(network, preprocess, images, LABELS, **settings)


@pytest.mark.parametrize("attack", [FGSM, PGD])
def test_a_linear_networks_margin_falls_by_epsilon_times_the_weights_l1_norm(attack):
    weights = RNG.standard_normal((2, 48))
    found = attacked(Linear(weights))
    across = (weights[0] - weights[1]).reshape(3, 16) / np.array(SETTINGS["std"])[:, None]
    for epsilon in EPSILONS:
        fall = found.clean["margin"] - found.attacked[attack, epsilon]["margin"]
        np.testing.assert_allclose(fall, epsilon * np.abs(across).sum(), rtol=1e-4)
        np.testing.assert_allclose(
            found.attacked[attack, epsilon]["loss"],
            np.log1p(np.exp(-found.attacked[attack, epsilon]["margin"])),
            rtol=1e-4,
            atol=1e-5,
        )


def test_attacks_stay_within_epsilon_and_the_pixels_and_more_steps_find_a_higher_loss():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 64), nn.Tanh(), nn.Linear(64, 1))
    pixels = torch.rand(20, 3, 4, 4).round(decimals=1)  # some at the border
    losses = lambda x: (5 * network(x)[:, 0]).sin()  # noqa: E731 — with many hills
    moved = dict(attacks(losses, pixels, [0.3], steps=20))
    for images in moved.values():
        assert (images - pixels).abs().max() <= 0.3 + 1e-6
        assert images.min() >= 0 and images.max() <= 1
        assert losses(images).mean() > losses(pixels).mean()
    assert losses(moved[PGD, 0.3]).mean() > losses(moved[FGSM, 0.3]).mean()


def test_one_step_of_pgd_that_reaches_the_border_is_fgsm():
    moved = dict(attacks(lambda x: x.square().flatten(1).sum(1), torch.rand(3, 3, 2, 2), [0.1], 1))
    torch.testing.assert_close(moved[PGD, 0.1], moved[FGSM, 0.1])


def test_measures_of_a_classifier_are_their_definitions_in_any_batches():
    network = Linear(RNG.standard_normal((2, 48)))
    whole, parts = attacked(network, batch=9), attacked(network, batch=2)
    pixels = torch.tensor(IMAGES).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(SETTINGS[key]).view(3, 1, 1) for key in ("mean", "std"))
    scores = network((pixels - mean) / std).detach().numpy()
    own = -log_softmax(scores, axis=1)[np.arange(9), LABELS]
    np.testing.assert_allclose(whole.clean["loss"], own, rtol=1e-4)
    np.testing.assert_array_equal(whole.clean["accuracy"], scores.argmax(1) == LABELS)
    spread = np.square(scores - scores.mean(0)).sum(1)
    np.testing.assert_allclose(whole.spread, spread, rtol=1e-4)
    for key, measures in whole.attacked.items():
        increase = measures["loss"] - whole.clean["loss"]
        np.testing.assert_allclose(measures["loss_increase"], increase)
        for name, values in measures.items():
            np.testing.assert_allclose(parts.attacked[key][name], values, rtol=1e-4, atol=1e-5)


def test_an_autoencoders_loss_is_the_error_against_the_image_that_was_not_moved():
    torch.manual_seed(0)
    network = architectures.build(
        {
            "name": "resnet_vae",
            "encoder": {"name": "basic_resnet", "width": 4, "blocks": [1] * 4, "stem_stride": 2},
            **{"hidden": [8, 8], "latent": 4, "dropout": 0.5, "dropout_sites": "relu"},
        },
        10,
    ).eval()
    images = np.random.default_rng(1).integers(256, size=(9, 32, 32, 3), dtype=np.uint8)
    found, again = attacked(network, images), attacked(network, images)
    preprocess = Preprocess(SETTINGS, torch.device("cpu"))
    pixels = preprocess.pixels(images)
    error = (network(preprocess.normalise(pixels)) - pixels).square().flatten(1).sum(1)
    np.testing.assert_allclose(found.clean["loss"], error.detach(), rtol=1e-4)
    assert set(found.clean) == {"loss"}
    for key, measures in found.attacked.items():
        assert measures["loss_increase"].mean() > 0 and (measures["output_change"] > 0).all()
        np.testing.assert_array_equal(measures["loss"], again.attacked[key]["loss"])


def test_tables_hold_means_shares_of_the_spread_and_intervals_over_groups():
    found = attacked(Linear(RNG.standard_normal((2, 48))))
    groups = np.repeat([0, 1, 2], 3)
    table, draws = vulnerability_tables(found, groups, resamples=200, seed=0)
    rows = table.set_index(["attack", "epsilon", "measure"])
    change = found.attacked[PGD, 0.05]["output_change"]
    where = PGD, 0.05, "output_change"
    assert rows.loc[where, "value"] == pytest.approx(change.sum() / found.spread.sum())
    where = "none", 0, "accuracy"
    assert rows.loc[where, "value"] == pytest.approx(found.clean["accuracy"].mean())
    assert (table["low"] <= table["value"]).all() and (table["high"] >= table["value"]).all()
    assert set(draws["measure"]) == {"loss_increase", "output_change"}
    assert draws.groupby(["attack", "epsilon", "measure"]).size().eq(200).all()
    # Two of three groups in each draw: as many values.
    one = draws[(draws["attack"] == FGSM) & (draws["measure"] == "loss_increase")]
    assert one.groupby("epsilon")["value"].apply(lambda x: x.round(12).nunique()).eq(3).all()
