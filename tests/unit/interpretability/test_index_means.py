"""Means of the index, gains over neurons, and shares of them: intervals hold the truth."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from codespectra.interpretability.index_means import (
    NO_EXEMPLARS,
    NO_GAIN,
    fieller,
    gains,
    mean_indices,
    nearest_kmeans,
)

# So many images that Student's ends are the normal ones.
MANY = 3_000_000
HEAD = {"model": "net", "weights": "train", "layer": "layer1", "metric": "color", "part": "all"}
HEAD["image_groups"] = MANY
DRAWS = 60
COVERED = 200
FEWEST, MOST = (end / COVERED for end in stats.binom.interval(0.999, COVERED, 0.95))


def planted(
    means: dict[str, float],
    rng: np.random.Generator,
    *,
    count: int = 50,
    shared: float = 0.0,
    own: float = 0.0,
    **where: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and moments: images shift all methods by N(0, shared^2) and each by N(0, own^2)."""
    scores, resampled, head = [], [], HEAD | where
    shifts = shared * rng.standard_normal(DRAWS + 1)
    for method, mean in means.items():
        moved = shifts + own * rng.standard_normal(DRAWS + 1)
        directions = mean + rng.standard_normal(count)
        head["method"] = method
        rows = pd.DataFrame(head | {"direction": np.arange(count), "state": "live", "sign": 1})
        scores.append(rows.assign(ii=directions + moved[0], low=0.0, high=0.0))
        drawn = directions.mean() + moved[1:] / np.sqrt(2)  # of two thirds of the images
        draws = {"draw": np.arange(DRAWS), "mean": drawn}
        resampled.append(pd.DataFrame(head | draws).assign(variance=1.0, count=count))
    return pd.concat(scores, ignore_index=True), pd.concat(resampled, ignore_index=True)


def test_means_and_counts_by_hand():
    scores, resampled = planted({"neurons": 0}, np.random.default_rng(0), count=4)
    scores["ii"], scores["state"] = [1.0, np.nan, 3.0, 5.0], ["live", "dead", "live", "live"]
    resampled = resampled[:4].assign(mean=[0.0, 2.0, 1.0, 5.0])
    (found,) = mean_indices(scores, resampled).itertuples()
    assert (found.directions, found.live, found.mean) == (4, 3, 3)
    reach = 1.959964 * np.sqrt(4 / 3 + 2 * (2**2 + 0**2 + 1**2 + 3**2) / 3)
    assert (found.low, found.high) == pytest.approx((3 - reach, 3 + reach))


def test_each_method_part_and_half_has_its_own_row_in_the_order_of_the_table():
    rng, tables = np.random.default_rng(0), []
    for part, half in (("relu2", "upper"), ("relu1", "upper"), ("relu1", "lower")):
        tables.append(planted({"pca-1x": 1, "neurons": 0}, rng, part=part, half=half))
    scores, resampled = (pd.concat(column) for column in zip(*tables, strict=True))
    found = mean_indices(scores, resampled.sample(frac=1, random_state=0).sort_values("draw"))
    assert list(found["part"]) == ["relu2"] * 2 + ["relu1"] * 4
    assert list(found["half"]) == ["upper"] * 4 + ["lower"] * 2
    assert list(found["method"]) == ["pca-1x", "neurons"] * 3
    assert not {"direction", "state", "sign", "ii", "draw", "variance"} & set(found)


def test_one_live_direction_or_none_has_no_interval():
    scores, resampled = planted({"neurons": 0, "sae": 1}, np.random.default_rng(0), count=3)
    scores["ii"] = [2.0, np.nan, np.nan, np.nan, np.nan, np.nan]
    found = mean_indices(scores, resampled)
    np.testing.assert_array_equal(found["mean"], [2, np.nan])
    assert list(found["live"]) == [1, 0]
    assert found[["low", "high"]].isna().all(axis=None)


def test_interval_of_a_mean_holds_the_truth():
    rng, held = np.random.default_rng(1), 0
    for _ in range(COVERED):
        found = mean_indices(*planted({"neurons": 2}, rng, own=0.2))
        held += (found["low"] <= 2).item() and (found["high"] >= 2).item()
    assert FEWEST <= held / COVERED <= MOST


# Gains -------------------------------------------------------------------------------------------

MEANS = {"neurons": 0, "pca-1x": 3, "kmeans-1x": 1, "kmeans_code-1x": 2, "random-1x": -1}
MEANS["exemplar-1x"] = 0.8


def test_gains_are_differences_of_means_of_kmeans_and_controls():
    scores, resampled = planted(MEANS, np.random.default_rng(0))
    found = gains(scores, resampled)
    assert list(found["method"]) == ["kmeans-1x", "kmeans_code-1x", "random-1x", "exemplar-1x"]
    means = scores.groupby("method")["ii"].mean()
    expected = means[found["method"]].to_numpy() - means["neurons"]
    np.testing.assert_allclose(found["gain"], expected)
    np.testing.assert_allclose((found["low"] + found["high"]) / 2, expected)
    share = (means["exemplar-1x"] - means["neurons"]) / expected[:2]
    np.testing.assert_allclose(found["share"][:2], share)
    assert found["share"][2:].isna().all() and (found["missing"] == "").all()
    assert set(found.columns) >= {"model", "weights", "layer", "metric", "directions"}


def test_each_model_layer_and_metric_is_told_apart_and_parts_are_left_out():
    rng, tables = np.random.default_rng(0), []
    for model in ("net", "untrained"):
        tables += [planted(MEANS, rng, model=model, layer=layer) for layer in ("a", "b")]
    tables.append(planted(MEANS, rng, part="relu1"))
    scores, resampled = (pd.concat(column) for column in zip(*tables, strict=True))
    found = gains(scores, resampled)
    assert found.groupby(["model", "layer"]).size().to_dict() == {
        (model, layer): 4 for model in ("net", "untrained") for layer in ("a", "b")
    }


@pytest.mark.parametrize("shared", [0, 3])
def test_intervals_of_gains_and_shares_hold_the_truth(shared):
    """What moves all methods alike is no part of a gain; neurons are in both ends of a share."""
    rng, held = np.random.default_rng(2), np.zeros(3)
    means = {"neurons": 0, "kmeans-1x": 1, "random-1x": -1, "exemplar-1x": 0.8}
    widths = []
    for _ in range(COVERED):
        found = gains(*planted(means, rng, shared=shared, own=0.1)).set_index("method")
        kmeans, control = found.loc["kmeans-1x"], found.loc["random-1x"]
        held += (
            kmeans["low"] <= 1 <= kmeans["high"],
            control["low"] <= -1 <= control["high"],
            kmeans["share_low"] <= 0.8 <= kmeans["share_high"],
        )
        widths.append(kmeans["high"] - kmeans["low"])
    assert (held / COVERED >= FEWEST).all()
    assert (held / COVERED <= MOST).all()
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.sqrt(2 / 50 + 2 * 0.1**2), rel=0.05)


@pytest.mark.parametrize("gain", [0.05, -2.0])
def test_without_a_gain_there_is_no_share_and_it_says_why(gain):
    means = {"neurons": 0, "kmeans-1x": gain, "exemplar-1x": 0.5}
    found = gains(*planted(means, np.random.default_rng(0))).set_index("method")
    kmeans = found.loc["kmeans-1x"]
    assert kmeans["low"] <= 0
    assert kmeans[["share", "share_low", "share_high"]].isna().all()
    assert kmeans["missing"] == NO_GAIN


def test_a_method_without_live_directions_leaves_the_others_as_they_are():
    scores, resampled = planted(MEANS, np.random.default_rng(0))
    expected = gains(scores, resampled).set_index("method")
    scores.loc[scores["method"] == "kmeans-1x", "ii"] = np.nan
    resampled.loc[resampled["method"] == "kmeans-1x", "mean"] = np.nan
    found = gains(scores, resampled).set_index("method")
    assert found.loc["kmeans-1x", ["gain", "low", "high", "share"]].isna().all()
    left = found.index != "kmeans-1x"
    pd.testing.assert_frame_equal(found[left], expected[left])


def test_without_exemplars_there_are_gains_and_no_shares():
    means = {"neurons": 0, "kmeans-1x": 1}
    (found,) = gains(*planted(means, np.random.default_rng(0))).itertuples()
    assert (found.method, found.missing) == ("kmeans-1x", NO_EXEMPLARS)
    assert np.isnan([found.share, found.share_low, found.share_high]).all()


# Ratios ------------------------------------------------------------------------------------------


@given(
    st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 0.4), st.floats(0.01, 0.4), st.floats(-1, 1)
)
def test_fieller_bounds_are_the_ratios_that_the_data_barely_allow(a, b, spread_a, spread_b, rho):
    """At either bound, and at no ratio between them, a - ratio b is 1.96 deviations from 0."""
    mixed = rho * spread_a * spread_b
    covariance = np.array([[spread_a**2, mixed], [mixed, spread_b**2]])
    low, high = fieller(a, b, covariance, 1.959964)
    if abs(b) <= 1.9599 * spread_b:
        assert np.isnan([low, high]).all()
    elif abs(b) >= 2 * spread_b:
        for ratio, factor in ((low, 1), (high, 1), ((low + high) / 2, 0)):
            contrast = np.array([1, -ratio])
            variance = contrast @ covariance @ contrast
            distance = (a - ratio * b) ** 2 - factor * 1.959964**2 * variance
            allowed = 1e-6 + 1e-6 * (a**2 + ratio**2 * b**2)
            assert abs(distance) <= allowed if factor else distance <= 3.8415 * variance + allowed
        assert low <= a / b + 1e-9 and a / b - 1e-9 <= high


def test_fieller_of_a_certain_denominator_is_the_scaled_interval():
    found = fieller(3.0, 2.0, np.array([[0.25, 0], [0, 0]]), 1.959964)
    assert found == pytest.approx((1.5 - 0.5 * 0.979982, 1.5 + 0.5 * 0.979982), rel=1e-5)


# The nearest size --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "nearest"),
    [(60, "kmeans-64"), (33, "kmeans-0.5x"), (96, "kmeans-64"), (999, "kmeans-2x")],
)
def test_nearest_kmeans(count, nearest):
    sizes = {"neurons": 60, "kmeans-2x": 128, "kmeans-64": 64, "kmeans-1x": 64, "kmeans-0.5x": 32}
    sizes |= {"kmeans_identity": count, "kmeans_code-1x": count}
    means = pd.DataFrame({"method": sizes.keys(), "directions": sizes.values()})
    assert list(nearest_kmeans(means, count)["method"]) == [nearest]
