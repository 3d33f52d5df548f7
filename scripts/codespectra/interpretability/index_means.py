"""Mean II of each method, its gain over the neurons, and the share of it that a control reaches.

Two variances add up: over directions, and over images, by resampling. Chance in single directions
counts in both, so that intervals err to the wide side (Owen 2007).
"""

from typing import Any

import numpy as np
import pandas as pd

from codespectra.interpretability.parts import ALL
from codespectra.statistics.hierarchy import reach_of
from codespectra.statistics.subsamples import image_deviations

# Columns of a table of scores that differ between the directions of a method.
OF_A_DIRECTION = ("direction", "state", "sign", "ii", "low", "high")
CONTROLS = ("exemplar", "random")
# Why a share is missing.
NO_GAIN, NO_EXEMPLARS = "the gain's interval isn't above 0", "the study has no exemplars"
NO_SHARE = {"share": np.nan, "share_low": np.nan, "share_high": np.nan}


def mean_indices(scores: pd.DataFrame, resampled: pd.DataFrame) -> pd.DataFrame:
    """Mean II of the live directions of each method, layer, metric and part.

    Args:
        scores: of every direction.
        resampled: moments on resampled images, by method and draw.

    Returns:
        What both tables tell of a method; directions, live (counts), mean, low, high (95 %).
    """
    keys = [name for name in scores if name not in OF_A_DIRECTION]
    values = scores.groupby(keys, sort=False)["ii"]
    found = values.agg(directions="size", live="count", mean="mean", variance="var")
    draws = dict(iter(resampled.groupby(keys)["mean"]))
    own = found.pop("variance") / found["live"]
    groups = own.index.get_level_values("image_groups")
    reach = [
        _reach(variance, image_deviations(draws[key].to_numpy(), count), count)
        for (key, variance), count in zip(own.items(), groups, strict=True)
    ]
    return found.assign(low=found["mean"] - reach, high=found["mean"] + reach).reset_index()


def _reach(over_directions: float, deviations: np.ndarray, groups: int) -> float:
    """Of the 95 % interval of a mean, from its variance over directions and that over images."""
    return reach_of([over_directions, np.mean(deviations**2)], [np.inf, groups - 1])[0]


def nearest_kmeans(means: pd.DataFrame, count: int) -> pd.DataFrame:
    """The row of `mean_indices` of one layer and part whose K-Means' K is nearest to `count`.

    Of two as near the one with fewer centroids, then the first.
    """
    fits = means[means["method"].str.split("-").str[0] == "kmeans"]
    fits = fits.sort_values("directions", kind="stable")
    return fits.loc[[(fits["directions"] - count).abs().idxmin()]]


def gains(scores: pd.DataFrame, resampled: pd.DataFrame) -> pd.DataFrame:
    """Difference of mean II to the neurons' of each K-Means and control, by layer and metric.

    The share of a K-Means' gain that exemplars reach is (exemplar - neurons) / (K-Means - neurons)
    with Fieller's interval, which is bounded if the gain is clear of 0; otherwise it is missing.

    Args:
        scores, resampled: of `mean_indices`, one layer's neurons among them.

    Returns:
        What both tables tell of a layer; metric, method, directions, gain, low, high (95 %),
        share, share_low, share_high, and why these are missing.
    """
    whole = scores[scores["part"] == ALL]
    keys = [name for name in scores if name not in (*OF_A_DIRECTION, "part", "method")]
    draws = dict(iter(resampled[resampled["part"] == ALL].groupby(keys)))
    rows = []
    for key, group in whole.groupby(keys, sort=False):
        head = dict(zip(keys, key, strict=True))
        rows += [head | row for row in _layer_gains(group, draws[key])]
    return pd.DataFrame(rows)


def _layer_gains(scores: pd.DataFrame, resampled: pd.DataFrame) -> list[dict[str, Any]]:
    counts = scores["method"].value_counts(sort=False)
    difference, covariance, reach = _differences(scores, resampled)
    exemplar = next((name for name in counts.index if name.split("-")[0] == "exemplar"), None)
    rows = []
    for method in counts.index:
        kind = method.split("-")[0]
        if not kind.startswith("kmeans") and kind not in CONTROLS:
            continue
        gain, own = difference[method], reach[method]
        row = {"method": method, "directions": counts[method], "gain": gain}
        row |= {"low": gain - own, "high": gain + own, **NO_SHARE, "missing": ""}
        if kind not in CONTROLS:
            row |= _share(difference, covariance, own, exemplar, method)
        rows.append(row)
    return rows


def _differences(
    scores: pd.DataFrame, resampled: pd.DataFrame
) -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    """Mean II of each method minus the neurons', their covariance, and their intervals' reach."""
    values = scores.groupby("method", sort=False)["ii"]
    means, own = values.mean(), values.var() / values.count()
    draws = resampled.pivot(index="draw", columns="method", values="mean")[means.index]
    groups = scores["image_groups"].iloc[0]
    deviations = image_deviations(draws.sub(draws["neurons"], axis=0).to_numpy(), groups)
    covariance = deviations.T @ deviations / len(deviations) + np.diag(own) + own["neurons"]
    reach = [
        _reach(variance + own["neurons"], column, groups)
        for variance, column in zip(own, deviations.T, strict=True)
    ]
    methods = means.index
    return (
        means - means["neurons"],
        pd.DataFrame(covariance, methods, methods),
        pd.Series(reach, methods),
    )


def _share(
    difference: pd.Series,
    covariance: pd.DataFrame,
    reach: float,
    exemplar: str | None,
    kmeans: str,
) -> dict[str, float | str]:
    if exemplar is None:
        return {"missing": NO_EXEMPLARS}
    pair = [exemplar, kmeans]
    part, whole = difference[pair]
    both = covariance.loc[pair, pair].to_numpy()
    low, high = fieller(part, whole, both, reach / np.sqrt(both[1, 1]))
    if not whole > 0 or np.isnan(low):
        return {"missing": NO_GAIN}
    return {"share": part / whole, "share_low": low, "share_high": high}


def fieller(
    numerator: float, denominator: float, covariance: np.ndarray, end: float
) -> tuple[float, float]:
    """Interval of the ratio of two means with that covariance (2, 2) (Fieller 1954).

    `end` is that of a mean's own, in standard deviations, such as 1.96 of a normal 95 % interval.
    nan where the denominator's own interval holds 0: then no bounded interval has the ratio.
    """
    a = numerator**2 - end**2 * covariance[0, 0]
    b = denominator**2 - end**2 * covariance[1, 1]
    mixed = numerator * denominator - end**2 * covariance[0, 1]
    if not b > 0:
        return np.nan, np.nan
    root = np.sqrt(max(mixed**2 - a * b, 0))
    return float((mixed - root) / b), float((mixed + root) / b)
