"""Noise on images: what is shown, how stable responses are, and whether II goes with it."""

import numpy as np
import pytest
import torch
from scipy import stats

from codespectra.data.preprocessing import Preprocess
from codespectra.experiments.stability import (
    correlations,
    noisy_activations,
    rank_correlations,
    stability,
    stability_table,
)
from codespectra.models.hooks import Wanted
from codespectra.models.layer_listing import inspect_layers

RNG = np.random.default_rng(0)
SETTINGS = {"side": None, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
HELD = np.concatenate([np.ones((1, 40), bool), RNG.random((3, 40)) < 0.6])


def test_noise_is_of_its_strength_the_same_at_each_and_clipped():
    conv = torch.nn.Conv2d(3, 3, 1, bias=False)
    torch.nn.init.dirac_(conv.weight)
    network = torch.nn.Sequential(conv).eval()
    layer = vars(inspect_layers(network, 8)[0])
    images = np.full((130, 8, 8, 3), 128, np.uint8)
    images[0] = 255
    preprocess = Preprocess(SETTINGS, torch.device("cpu"))

    def shown(strengths: list[float]) -> dict[float, np.ndarray]:
        wanted = [Wanted(layer, "none")]
        found = noisy_activations(network, preprocess, images, wanted, strengths, 3)
        return {key: rows[layer["name"]] / 2 + 0.5 for key, rows in found.items()}

    found, alone = shown([0.02, 0.04]), shown([0.04])
    np.testing.assert_array_equal(found[0.04], alone[0.04])
    noise = {key: rows[1:] - 128 / 255 for key, rows in found.items()}
    assert noise[0.04].std() == pytest.approx(0.04, rel=0.02)
    np.testing.assert_allclose(noise[0.04], 2 * noise[0.02], atol=1e-6)
    assert found[0.04][0].max() == pytest.approx(1)
    assert len(np.unique(noise[0.02][:, 0].round(9))) > 120  # each image has its own


def test_correlations_are_numpys_on_each_subset_and_missing_where_nothing_varies():
    first, second = RNG.standard_normal((2, 40, 5)) + 1e3
    second[:, 2] = 7
    found = correlations(first, second, HELD)
    for own, held in zip(found, HELD, strict=True):
        for unit in (0, 1, 3, 4):
            expected = np.corrcoef(first[held, unit], second[held, unit])[0, 1]
            assert own[unit] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(found[:, 2]).all()


def test_kept_is_the_share_of_the_strongest_that_are_still_among_them():
    clean = RNG.standard_normal((40, 6)).astype(np.float32)
    noisy = clean + RNG.standard_normal((40, 6)).astype(np.float32)
    found = stability(clean, noisy, HELD, 4)
    for own, held in zip(found["kept"], HELD, strict=True):
        images = np.flatnonzero(held)
        for unit in range(6):
            best, still = (
                set(images[np.argsort(-values[held, unit], kind="stable")[:4]])
                for values in (clean, noisy)
            )
            assert own[unit] == pytest.approx(len(best & still) / 4)
    same = stability(clean, clean, HELD, 4)
    assert (same["kept"] == 1).all()
    np.testing.assert_allclose(same["correlation"], 1)


def test_tables_have_all_images_first_and_rho_in_each_draw():
    measured = {0.1: {name: RNG.random((4, 6)) for name in ("correlation", "kept")}}
    ii, draws = RNG.random(6), RNG.random((6, 3))
    draws[5] = np.nan  # a dead one
    table = stability_table(ii, measured, layer="a")
    np.testing.assert_array_equal(table["kept"], measured[0.1]["kept"][0])
    np.testing.assert_array_equal(table["ii"], ii)
    found = rank_correlations(draws, measured, layer="a")
    for row in found.itertuples():
        values = measured[0.1][row.measure][1 + row.draw]
        assert row.rho == pytest.approx(stats.spearmanr(draws[:5, row.draw], values[:5])[0])
    assert len(found) == 6
