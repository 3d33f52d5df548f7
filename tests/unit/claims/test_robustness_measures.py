"""Claims on robustness: planted effects show, with intervals over networks and images."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judged import alone
from scipy import stats

from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, SUPPORTED, negative, positive
from codespectra.claims.measures.robustness import (
    dropout_and_vulnerability,
    exponent_and_vulnerability,
    index_and_stability,
)
from codespectra.claims.measures.tables import Tables
from codespectra.statistics.evidence import Evidence

DRAWS = 40
SWEEP = {
    f"vae-{dropout}-{seed}": {"dropout": dropout, "seed": seed, "statistics": "as_trained"}
    for dropout in (0.0, 0.2, 0.4)
    for seed in (0, 1)
}
SEEDS = {f"net-s{seed}": {"base": "net", "seed": seed} for seed in range(5)}


def attacked(slope: float, noise: float = 0.01) -> Tables:
    """Networks whose log10 vulnerability has that slope on alpha, and alpha falls with dropout."""
    rng = np.random.default_rng(0)
    alphas = {name: -1 - one["dropout"] + 0.02 * rng.random() for name, one in SWEEP.items()}
    alphas |= {name: -1 - 0.1 * seed for seed, name in enumerate(SEEDS)}
    exponents = pd.DataFrame(
        {"model": name, "stimuli": "test", "layer": layer, "alpha": alpha + shift}
        for name, alpha in alphas.items()
        for layer, shift in (("a", -0.3), ("b", 0.3), *([("c", np.nan)] if "0.4" in name else []))
    )
    rows, draws = [], []
    for name, alpha in alphas.items():
        for measure in ("loss_increase", "output_change", "loss"):
            level = slope * alpha + noise * rng.standard_normal()
            where = {"model": name, "stimuli": "test", "attack": "PGD", "epsilon": 0.1}
            rows.append(where | {"measure": measure, "value": 10**level, "image_groups": 10})
            drawn = 10 ** (level + noise * rng.standard_normal(DRAWS))
            draws.append(pd.DataFrame(where | {"measure": measure, "value": drawn}).reset_index())
    return Tables(
        **{"resamples": 100, "seed": 0, "trained": (*SWEEP, *SEEDS), "networks": SWEEP},
        replicates=SEEDS,
        exponents=exponents,
        attacks=pd.DataFrame(rows),
        attack_draws=pd.concat(draws).rename(columns={"index": "draw"}),
    )


@pytest.mark.parametrize("slope, verdict", [(1, SUPPORTED), (-1, CONTRADICTED)])
def test_a_planted_slope_on_the_exponent_is_found_in_the_sweep_and_in_seeds(slope, verdict):
    found = list(exponent_and_vulnerability(attacked(slope)))
    groups = [(one.scope.facets["networks"], one.n) for one in found]
    assert groups == [("dropout sweep", 6)] * 2 + [("seeds of net", 5)] * 2
    assert [alone(positive, one) for one in found] == [verdict] * 4
    for one in found:
        assert one.estimate == pytest.approx(slope, abs=0.15)


def test_a_planted_fall_with_dropout_is_found_in_the_sweep_alone():
    found = list(dropout_and_vulnerability(attacked(1)))
    assert [one.n for one in found] == [6, 6]
    assert [alone(negative, one) for one in found] == [SUPPORTED] * 2


def test_networks_that_see_two_sets_are_compared_on_each():
    tables = attacked(1)
    twice = {
        name: pd.concat([getattr(tables, name), getattr(tables, name).assign(stimuli="other")])
        for name in ("exponents", "attacks", "attack_draws")
    }
    found = list(exponent_and_vulnerability(replace(tables, **twice)))
    once = [(one.n, one.estimate) for one in exponent_and_vulnerability(tables)]
    assert [(one.n, one.estimate) for one in found] == once * 2
    assert [one.scope.facets["shown"] for one in found] == ["on test"] * 4 + ["on other"] * 4


def test_a_loss_that_does_not_rise_has_no_logarithm_and_decides_nothing():
    tables = attacked(1)
    tables.attacks.loc[0, "value"] = -0.1
    first, *others = exponent_and_vulnerability(tables)
    assert alone(positive, first) == INCONCLUSIVE
    assert {alone(positive, one) for one in others} == {SUPPORTED}


def stable(effect: float, images: float, n: int = 80) -> list[Evidence]:
    """II and stability of n directions that share `effect`; draws of rho that vary by `images`."""
    rng = np.random.default_rng(1)
    ii = rng.standard_normal(n)
    where = {"model": "net", "stimuli": "tiles", "layer": "a", "method": "neurons"}
    where |= {"metric": "color", "strength": 0.1, "image_groups": 10}
    measures = {m: effect * ii + rng.standard_normal(n) for m in ("correlation", "kept")}
    table = pd.DataFrame(where | {"direction": range(n), "ii": ii} | measures)
    draws = [
        pd.DataFrame(
            where | {"measure": m, "draw": range(50), "rho": images * rng.standard_normal(50)}
        )
        for m in measures
    ]
    tables = Tables(
        **{"resamples": 100, "seed": 0, "trained": ("net",)},
        stability=table,
        stability_resampled=pd.concat(draws),
    )
    return list(index_and_stability(tables))


@pytest.mark.parametrize("effect, verdict", [(2, SUPPORTED), (-2, CONTRADICTED), (0, INCONCLUSIVE)])
def test_a_planted_correlation_of_index_and_stability_is_found(effect, verdict):
    found = stable(effect, 0.01)
    assert [one.scope.facets["measure"] for one in found] == ["correlation", "kept"]
    assert [alone(positive, one) for one in found] == [verdict] * 2


def test_the_interval_of_a_rank_correlation_is_over_directions_and_images():
    first, second = (stable(0.5, images)[0] for images in (1e-9, 0.2))
    reach = stats.norm.ppf(0.975) * np.sqrt(1.06 / 77)  # of Fisher's artanh
    ends = np.tanh(np.arctanh(first.estimate) + np.array([-reach, reach]))
    assert (first.low, first.high) == pytest.approx(tuple(ends))
    assert second.high - second.low > 1.5 * (first.high - first.low)
    assert -1 < second.low < second.high < 1
    assert len(second.images) == 50 and second.image_freedom == 9
