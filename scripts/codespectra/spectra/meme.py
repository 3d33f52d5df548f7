"""MEME: the power law, with or without a break, that has a code's eigenmoments.

Matched eigenmoments (Pospisil & Pillow 2025, PNAS). Unlike a line through a sample's eigenvalues,
the law isn't flattened by few stimuli, and it speaks of all ranks rather than of a window.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq, least_squares

from codespectra.errors import ArgumentError
from codespectra.spectra.eigenmoments import Moments
from codespectra.statistics.intervals import NORMAL_REACH

# Added to the moments' relative variances, as a share: the tenth and ninth moments of a sample are
# nearly one number, and weights from their estimated covariance would trust its rounding.
RIDGE = 0.01
EXPLICIT = 64  # ranks that are summed one by one; farther ones go in bins of 4 % each
FEWEST_ORDERS = 4  # of moments above zero
BREAKS = np.unique(np.geomspace(2, 50, 20).round())  # ranks at which a break is looked for
CHI_SQUARED = 3.84  # cost above the least within which breaks are in the 95 % interval
TWO_MORE = 5.99  # likewise for two more numbers: a law with a break that saves less isn't better


@dataclass(frozen=True)
class Law:
    """Eigenvalue = exp(log_scale) * rank ** alpha, from `break_rank` on with exponent `alpha2`.

    Attributes:
        alpha: exponent before the break, or of all ranks.
        alpha_low: 95 % interval over draws of the stimuli.
        alpha_high: its upper end.
        log_scale: log of the first eigenvalue, in squared units of the activations.
        cost: weighted squares of the misfit of the moments.
        alpha2: exponent after the break; equal to `alpha` without one.
        alpha2_low: its interval.
        alpha2_high: its upper end.
        break_rank: the break; nan without one.
        break_low: breaks that fit nearly as well.
        break_high: the last of them.
    """

    alpha: float
    alpha_low: float
    alpha_high: float
    log_scale: float
    cost: float
    alpha2: float
    alpha2_low: float
    alpha2_high: float
    break_rank: float = np.nan
    break_low: float = np.nan
    break_high: float = np.nan


def fit_law(moments: Moments) -> Law:
    """The power law over all D ranks whose moments are nearest.

    Logarithms of the moments are compared, weighted by the inverse of their covariance: where a
    moment is small by chance so is its estimated error, and raw differences would trust it more.

    Raises:
        ArgumentError: fewer than four moments are positive: noise hides the code.
    """
    return _fit(_Target(moments), None)


def fit_broken_law(moments: Moments) -> Law:
    """The best law with a break, of those with one at a rank of `BREAKS` up to a quarter of D.

    Its intervals are wide enough for those of every break that fits nearly as well.

    Raises:
        ArgumentError: as `fit_law`, or fewer than 16 ranks.
    """
    if moments.width < 16:
        raise ArgumentError(f"moments: {moments.width} ranks, at least 16 needed for a break")
    target = _Target(moments)
    tried = [_fit(target, rank) for rank in BREAKS[moments.width / 4 >= BREAKS]]
    best = min(tried, key=lambda law: law.cost)
    near = [law for law in tried if law.cost <= best.cost + CHI_SQUARED]
    lows = {name: min(getattr(law, name) for law in near) for name in ("alpha_low", "alpha2_low")}
    highs = {
        name: max(getattr(law, name) for law in near) for name in ("alpha_high", "alpha2_high")
    }
    ranks = [law.break_rank for law in near]
    return replace(best, **lows, **highs, break_low=min(ranks), break_high=max(ranks))


class _Target:
    """What a fit compares: log moments, their covariance and weights, and ranks in bins."""

    def __init__(self, moments: Moments):
        positive = int(np.logical_and.accumulate(moments.values > 0).sum())
        if positive < FEWEST_ORDERS:
            raise ArgumentError(
                f"moments: only {positive} of the eigenmoments are above zero before one that "
                f"isn't, {FEWEST_ORDERS} needed: too much noise, or too few stimuli"
            )
        values = moments.values[:positive]
        self.order = np.arange(1, positive + 1)
        self.covariance = moments.covariance[:positive, :positive] / np.outer(values, values)
        variances = np.diag(self.covariance)
        # The logarithm of an estimate lies below that of its mean, by half its relative variance.
        self.logs = np.log(values) + np.minimum(variances / 2, 1)
        spread, axes = np.linalg.eigh(self.covariance + RIDGE * np.diag(variances))
        self.weights = (axes / np.sqrt(np.maximum(spread, 1e-10 * spread[-1]))).T
        self.log_unit = np.log(moments.scale)
        edges = np.unique(_edges(moments.width))
        self.log_rank = np.log((edges[:-1] + edges[1:] - 1) / 2)
        self.share = np.diff(edges) / moments.width

    def law_logs(self, log_scale: float, slopes: np.ndarray, log_break: float) -> np.ndarray:
        """Log moments (orders,) of a law."""
        beyond = np.maximum(0, self.log_rank - log_break)
        logs = log_scale + slopes[0] * self.log_rank + (slopes[-1] - slopes[0]) * beyond
        return np.log(np.exp(np.outer(self.order, logs)) @ self.share)

    def start(self) -> float:
        """The exponent with the ratio of the first two moments."""

        def excess(alpha: float) -> float:
            first, second = self.law_logs(0.0, np.array([alpha]), np.inf)[:2]
            return second - 2 * first - (self.logs[1] - 2 * self.logs[0])

        return brentq(excess, -8, 0) if excess(0) < 0 < excess(-8) else -1.0


def _edges(width: int) -> np.ndarray:
    """First ranks of the bins of ranks 1 to `width`, and the one after the last."""
    if width <= EXPLICIT:
        return np.arange(1, width + 2)
    bins = int(np.log(width / EXPLICIT) / 0.04) + 1
    return np.concatenate(
        [np.arange(1, EXPLICIT + 1), np.geomspace(EXPLICIT + 1, width + 1, bins + 1).round()]
    )


def _fit(target: _Target, break_rank: float | None) -> Law:
    """The best law with this break, and its intervals from the moments' covariance."""
    log_break = np.inf if break_rank is None else np.log(break_rank)

    def misfit(law: np.ndarray) -> np.ndarray:
        return target.weights @ (target.law_logs(law[0], law[1:], log_break) - target.logs)

    slope = target.start()
    slopes = [slope] if break_rank is None else [0.8 * slope, 1.2 * slope]
    level = target.logs[0] - target.law_logs(0.0, np.array(slopes), log_break)[0]
    found = least_squares(misfit, [level, *slopes], method="lm", max_nfev=400)
    gain = np.linalg.pinv(found.jac) @ target.weights
    reach = NORMAL_REACH * np.sqrt(np.diag(gain @ target.covariance @ gain.T))
    alpha, alpha2, error, error2 = found.x[1], found.x[-1], reach[1], reach[-1]
    return Law(
        *(alpha, alpha - error, alpha + error),
        *(found.x[0] + target.log_unit, 2 * found.cost),
        *(alpha2, alpha2 - error2, alpha2 + error2),
        break_rank=np.nan if break_rank is None else break_rank,
    )
