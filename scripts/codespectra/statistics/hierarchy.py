"""Intervals of means over scopes that are given, and over networks that see the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtridf, stdtrit

from codespectra.errors import ArgumentError


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; nan where unknown.

    `freedom` is that of Student's intervals. `images` are deviations (draws,) on resampled stimuli,
    as of `Evidence`, with `image_freedom` degrees of freedom. `networks` says over how many it is
    taken, None if it is not of networks, and `between` which share of its variance is theirs.
    """

    estimate: float
    low: float
    high: float
    freedom: float = np.inf
    images: np.ndarray | None = None
    image_freedom: float = np.inf
    networks: int | None = None
    between: float = 0.0


UNKNOWN = Interval(np.nan, np.nan, np.nan)


def average(found: Sequence[Interval]) -> Interval:
    """Mean over scopes that are given, however they depend on each other.

    The interval's ends are the means of theirs: a mean's standard deviation is at most the mean of
    the standard deviations (Minkowski's inequality), and as large if one chance moves all of them.
    """
    if not found:
        return UNKNOWN
    estimate, low, high = np.mean([(one.estimate, one.low, one.high) for one in found], axis=0)
    known = [one.images for one in found if one.images is not None]
    networks = [one.networks for one in found if one.networks is not None]
    return Interval(
        float(estimate),
        float(low),
        float(high),
        min(one.freedom for one in found),
        np.mean(known, axis=0) if len(known) == len(found) else None,
        min(one.image_freedom for one in found),
        min(networks, default=None),
        float(np.mean([one.between for one in found])),
    )


def over_networks(models: Sequence[Sequence[Interval]]) -> Interval:
    """Mean over models of the mean over their networks, which differ in their seeds alone.

    The interval is over such networks of these models. Two variances add up (`reach_of`). That over
    networks comes from the estimates within each model, and holds what is drawn within a network,
    such as its directions. That over stimuli, which all networks share, comes from `images`: of the
    draws' means, less what differs between networks, which the first holds already. Percentiles of
    resampled networks are too near with few: of k values they take sqrt((k - 1) / k) of the spread,
    and a normal's ends for Student's.

    Raises:
        ArgumentError: a model with fewer than two networks.
    """
    fewest = min(len(networks) for networks in models)
    if fewest < 2:
        raise ArgumentError(f"{fewest} networks, but an interval over networks needs at least 2")
    values = [np.array([one.estimate for one in networks]) for networks in models]
    each = np.array([np.var(v, ddof=1) / len(v) for v in values]) / len(models) ** 2
    squares = sum(v**2 / (len(own) - 1) for v, own in zip(each, values, strict=True))
    between, shared = float(each.sum()), 0.0
    images = [[one.images for one in networks] for networks in models]
    if all(draws is not None for own in images for draws in own):
        shared = _shared_variance([np.array(own) for own in images])
    # Of one model k - 1, of several Satterthwaite's (1946).
    own_freedom = between**2 / squares if squares > 0 else np.inf
    image_freedom = min(one.image_freedom for networks in models for one in networks)
    reach, freedom = reach_of([between, shared], [own_freedom, image_freedom])
    estimate = float(np.mean([v.mean() for v in values]))
    share = between / (between + shared) if between > 0 else 0.0
    ends = estimate - reach, estimate + reach
    return Interval(estimate, *ends, freedom, networks=fewest, between=share)


def repeats(found: Interval, count: int, seed: int = 0) -> list[Interval]:
    """What as many other networks would give, on the same stimuli: `count` draws.

    Neither their mean nor their spread is that of these: given a spread, the difference of two
    means has twice the variance of one, and both spreads are of the same unknown one (each variance
    is chi-square; Geisser 1993, predictive distributions of a normal sample). What is not over
    networks is given again as it is.
    """
    if not found.between or not np.isfinite([found.low, found.high, found.freedom]).all():
        return [found] * count
    rng = np.random.default_rng(seed)
    true = found.freedom / rng.chisquare(found.freedom, count)
    drawn = true * rng.chisquare(found.freedom, count) / found.freedom
    reach = (found.high - found.low) / 2
    deviation = reach / stdtrit(found.freedom, 0.975) * np.sqrt(2 * found.between * true)
    middles = found.estimate + deviation * rng.standard_normal(count)
    reaches = reach * np.sqrt(found.between * drawn + 1 - found.between)
    return [
        replace(found, estimate=middle, low=middle - reach, high=middle + reach)
        for middle, reach in zip(middles.tolist(), reaches.tolist(), strict=True)
    ]


def reach_of(variances: Sequence[float], freedoms: Sequence[float]) -> tuple[float, float]:
    """Reach of the 95 % interval of a mean whose independent variances add up, and its freedom.

    Student's ends of each count by its share of the variance (Cochran 1964). With 5 networks such
    intervals hold the mean in 93 to 97 of 100 cases (docs/methods.md, §10); with Satterthwaite's
    freedom, which a variance that is small by chance inflates, those of 2 networks hold it in 87.
    """
    total = sum(variances)
    if total == 0:
        return 0.0, np.inf
    ends = stdtrit(freedoms, 0.975)
    end = float(np.dot(variances, ends) / total)
    return end * float(np.sqrt(total)), float(stdtridf(0.975, end))


def _shared_variance(models: Sequence[np.ndarray]) -> float:
    """Variance over stimuli of the mean, from each model's deviations (networks, draws)."""
    means = [draws.mean(axis=0) for draws in models]
    own = [
        np.var(draws, axis=0, ddof=1).mean() / len(draws) for draws in models
    ]  # of each mean, by what differs between networks
    whole = np.mean(np.mean(means, axis=0) ** 2)
    return max(float(whole - np.sum(own) / len(models) ** 2), 0.0)


def widened(freedom: float, level: float) -> float:
    """How many times as long an interval at `level` is (0.05: 95 %) as one at 0.05."""
    return float(stdtrit(freedom, 1 - level / 2) / stdtrit(freedom, 0.975))


def level_of(widening: float, freedom: float) -> float:
    """The level at which an interval is that many times as long as at 0.05."""
    return float(2 * stdtr(freedom, -widening * stdtrit(freedom, 0.975)))
