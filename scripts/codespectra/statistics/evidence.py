"""A statistic of one scope with its interval."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import numbers
from codespectra.statistics.hierarchy import reach_of
from codespectra.statistics.intervals import NORMAL_REACH, mean_interval, normal_interval
from codespectra.statistics.rank_correlation import spearman_rows
from codespectra.statistics.subsamples import image_deviations


@dataclass(frozen=True)
class Evidence:
    """What the data say of a claim: estimate, 95 % interval, sample size, p of a test if any.

    `freedom` is that of Student's intervals. `images` are deviations (draws,) of the estimate on
    resampled stimuli, as large as those over fresh ones, the same stimuli a draw in each network;
    `image_freedom` is finite where a few groups of stimuli are resampled.
    """

    scope: Any
    statistic: str
    estimate: float
    low: float
    high: float
    n: int
    p: float | None = None
    freedom: float = np.inf
    images: np.ndarray | None = field(default=None, compare=False, repr=False)
    image_freedom: float = np.inf


class Moments(NamedTuple):
    """Mean and variance (ddof 1) of groups, any shape, and how many members each has."""

    mean: np.ndarray
    variance: np.ndarray
    count: int  # type: ignore[assignment]  # a tuple has a method of this name


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
    scope: Any,
    first: np.ndarray,
    second: np.ndarray,
    *,
    resamples: int,
    seed: int,
    image_draws: np.ndarray | None = None,
    image_groups: int = 0,
) -> Evidence:
    """Cohen's d of two unpaired groups, bootstrapped over their members, and Mann-Whitney's p.

    With `image_draws` of d, which took two thirds of `image_groups` images or groups of them (see
    `image_deviations`), the variances over members and over images add up, with Student's ends.
    Chance in single members counts in both, so that the interval errs to the wide side (Owen 2007);
    p is of the members alone. All is missing if neither group varies.
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
    from scipy.stats import mannwhitneyu  # half a second, on use

    p = float(mannwhitneyu(first, second).pvalue)
    if image_draws is None:
        low, high = np.nanquantile(resampled, [0.025, 0.975])
        return Evidence(scope, "Cohen's d", estimate, low, high, n, p)
    images = image_deviations(image_draws, image_groups)
    freedoms = np.inf, image_groups - 1
    reach, freedom = reach_of([np.nanvar(resampled), np.mean(images**2)], freedoms)
    ends = estimate - reach, estimate + reach
    return Evidence(scope, "Cohen's d", estimate, *ends, n, p, freedom, images, freedoms[1])


def rank_correlation(
    scope: Any, first: np.ndarray, second: np.ndarray, *, resamples: int, seed: int
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
    from scipy.stats import spearmanr  # half a second, on use

    rho, p = spearmanr(first, second)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(n, size=(resamples, n))
    resampled = spearman_rows(first[chosen], second[chosen])
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return Evidence(scope, statistic, float(rho), low, high, n, float(p))


def from_draws(
    scope: Any,
    statistic: str,
    estimate: float,
    draws: np.ndarray,
    *,
    n: int,
    groups: int | None = None,
) -> Evidence:
    """A statistic with the normal interval of its draws (`normal_interval` says why normal).

    Where the draws are of a few groups of stimuli, such as photographs, it is Student's.
    """
    freedom = groups - 1 if groups else np.inf
    longer = stdtrit(freedom, 0.975) / NORMAL_REACH
    low, high = (estimate + longer * (end - estimate) for end in normal_interval(estimate, draws))
    images = {"images": draws - np.mean(draws), "image_freedom": freedom}
    return Evidence(scope, statistic, float(estimate), low, high, n, freedom=freedom, **images)


def slope_over_networks(
    scope: Any,
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
    reach = stdtrit(freedom, 0.975) * error
    p = float(2 * stdtr(freedom, -abs(slope) / error)) if error > 0 else None
    return Evidence(scope, statistic, slope, slope - reach, slope + reach, n, p, freedom)


def mean_over_seeds(scope: str, statistic: str, values: np.ndarray) -> Evidence:
    """Mean of `values`, one a seed, with Student's interval over the finite ones."""
    mean, low, high = mean_interval(values)
    n = int(np.isfinite(values).sum())
    return Evidence(scope, statistic, mean, low, high, n, freedom=max(n - 1, 1))
