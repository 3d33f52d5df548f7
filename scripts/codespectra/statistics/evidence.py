"""A statistic with its interval, and the verdict that follows from the interval alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import numbers
from codespectra.statistics.intervals import NORMAL_REACH, mean_interval, normal_interval
from codespectra.statistics.subsamples import image_deviations

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
NOT_RUN = "not run"

# From the ends of a 95 % interval to a verdict.
Judge = Callable[[float, float], str]


@dataclass(frozen=True)
class Evidence:
    """What the data say of a claim: estimate, 95 % interval, sample size, p of a test if any."""

    scope: str
    statistic: str
    estimate: float
    low: float
    high: float
    n: int
    p: float | None = None


def verdict_positive(low: float, high: float) -> str:
    """Verdict on `the statistic is above 0`."""
    if not np.isfinite([low, high]).all():
        return INCONCLUSIVE
    if low > 0:
        return SUPPORTED
    return CONTRADICTED if high < 0 else INCONCLUSIVE


def verdict_negative(low: float, high: float) -> str:
    """Verdict on `the statistic is below 0`."""
    return verdict_positive(-high, -low)


def verdict_negligible(low: float, high: float, margin: float = 0.5) -> str:
    """Verdict on `there is no effect`: the interval lies within, or outside, +- `margin`.

    0.5 is Cohen's medium effect.
    """
    if not np.isfinite([low, high]).all():
        return INCONCLUSIVE
    if -margin < low and high < margin:
        return SUPPORTED
    return CONTRADICTED if low > margin or high < -margin else INCONCLUSIVE


def verdict_effect(low: float, high: float, margin: float = 0.2) -> str:
    """Verdict on `there is an effect, whichever its sign`; none if within +- `margin` (small)."""
    if not np.isfinite([low, high]).all():
        return INCONCLUSIVE
    if low > 0 or high < 0:
        return SUPPORTED
    return CONTRADICTED if -margin < low and high < margin else INCONCLUSIVE


class Moments(NamedTuple):
    """Mean and variance (ddof 1) of groups, any shape, and how many members each has."""

    mean: np.ndarray
    variance: np.ndarray
    count: int


def moments(values: np.ndarray) -> Moments:
    """Moments of groups along the last axis; equal values have no variance, by rounding neither."""
    varies = np.ptp(values, axis=-1) > 0
    return Moments(values.mean(axis=-1), values.var(axis=-1, ddof=1) * varies, values.shape[-1])


def cohens_d(first: Moments, second: Moments) -> np.ndarray:
    """Difference of means over the pooled standard deviation; nan where nothing varies."""
    a, b = first.count - 1, second.count - 1
    pooled = np.sqrt((a * first.variance + b * second.variance) / (a + b))
    difference = first.mean - second.mean
    return np.divide(difference, pooled, out=np.full_like(pooled, np.nan), where=pooled > 0)


def compare_groups(
    scope: str,
    first: np.ndarray,
    second: np.ndarray,
    *,
    resamples: int,
    seed: int,
    image_draws: np.ndarray | None = None,
) -> Evidence:
    """Cohen's d of two unpaired groups, bootstrapped over their members, and Mann-Whitney's p.

    With `image_draws` of d (see `image_deviations`) the variances over members and over images add
    up in a normal interval. Chance in single members counts in both, so that the interval errs to
    the wide side (Owen 2007); p is of the members alone. All is missing if neither group varies.
    """
    first, second = (
        numbers(values, name, "n", finite=False, empty=True)
        for name, values in (("first", first), ("second", second))
    )
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    n = len(first) + len(second)
    missing = Evidence(scope, "Cohen's d", np.nan, np.nan, np.nan, n)
    if min(len(first), len(second)) < 2:
        return missing
    estimate = float(cohens_d(moments(first), moments(second)))
    if np.isnan(estimate):
        return missing
    rng = np.random.default_rng(seed)
    resampled = cohens_d(
        moments(rng.choice(first, (resamples, len(first)))),
        moments(rng.choice(second, (resamples, len(second)))),
    )
    if image_draws is None:
        low, high = np.nanquantile(resampled, [0.025, 0.975])
    else:
        variance = np.nanvar(resampled) + np.mean(image_deviations(image_draws) ** 2)
        reach = float(NORMAL_REACH * np.sqrt(variance))
        low, high = estimate - reach, estimate + reach
    p = stats.mannwhitneyu(first, second).pvalue
    return Evidence(scope, "Cohen's d", estimate, low, high, n, float(p))


def rank_correlation(
    scope: str, first: np.ndarray, second: np.ndarray, *, resamples: int, seed: int
) -> Evidence:
    """Spearman's rho of the finite pairs, with an interval bootstrapped over them."""
    first, second = (
        numbers(values, name, "n", finite=False, empty=True)
        for name, values in (("first", first), ("second", second))
    )
    if len(first) != len(second):
        raise ArgumentError(f"second has {len(second)} values, but first {len(first)}: no pairs")
    known = np.isfinite(first) & np.isfinite(second)
    first, second, n = first[known], second[known], int(known.sum())
    statistic = "Spearman's rho"
    if n < 5 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Evidence(scope, statistic, np.nan, np.nan, np.nan, n)
    rho, p = stats.spearmanr(first, second)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(n, size=(resamples, n))
    resampled = spearman_rows(first[chosen], second[chosen])
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return Evidence(scope, statistic, float(rho), low, high, n, float(p))


def spearman_rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rho of each row of (resamples, n) pairs; nan where a side is constant."""
    ranks = [stats.rankdata(values, axis=1) for values in (first, second)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / spread


def from_draws(
    scope: str, statistic: str, estimate: float, draws: np.ndarray, *, n: int
) -> Evidence:
    """A statistic with the normal interval of its draws (`normal_interval` says why normal)."""
    low, high = normal_interval(estimate, draws)
    return Evidence(scope, statistic, float(estimate), low, high, n)


def slope_over_networks(
    scope: str,
    statistic: str,
    predictor: np.ndarray,
    values: np.ndarray,
    draws: np.ndarray | None = None,
) -> Evidence:
    """Least-squares slope of `values` (n,) on `predictor` (n,), one observation a network.

    `statistic` names the slope, as in `slope on dropout`.

    Two variances add up: that over networks (seeds), from the residuals with n - 2 degrees of
    freedom, and that over stimuli, from the slopes of `draws` (resamples, n), in which all networks
    see the same resampled stimuli. The interval is Student's; nan with fewer than 3 networks, or
    where a value is missing.
    """
    predictor, values = (
        numbers(given, name, "n", finite=False, empty=True)
        for name, given in (("predictor", predictor), ("values", values))
    )
    n, centred = len(predictor), predictor - np.mean(predictor)
    weights = centred / np.sum(centred**2) if np.ptp(predictor) > 0 else centred * np.nan
    deviations = values - np.mean(values)  # centred, or equal values have a slope by rounding
    slope, freedom = float(weights @ deviations), n - 2
    if freedom < 1 or not np.isfinite(slope):
        return Evidence(scope, statistic, slope, np.nan, np.nan, n)
    residuals = deviations - slope * centred
    variance = np.sum(residuals**2) / freedom * np.sum(weights**2)
    if draws is not None:
        variance += np.var(draws @ weights, ddof=1)
    error = float(np.sqrt(variance))
    reach = stats.t.ppf(0.975, freedom) * error
    p = float(2 * stats.t.sf(abs(slope) / error, freedom)) if error > 0 else None
    return Evidence(scope, statistic, slope, slope - reach, slope + reach, n, p)


def mean_over_seeds(scope: str, statistic: str, values: np.ndarray) -> Evidence:
    """Mean of `values`, one a seed, with Student's interval over the finite ones."""
    mean, low, high = mean_interval(values)
    return Evidence(scope, statistic, mean, low, high, int(np.isfinite(values).sum()))
