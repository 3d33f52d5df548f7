"""What speaks for a claim and what against it: how far an interval lies beyond its borders.

A distance is in reaches: 1 where the end of the 95 % interval that faces a border touches it, so
that the interval could be as many times as long and not hold the border.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from codespectra.statistics.hierarchy import Interval, level_of, widened

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
MIXED, NOT_RUN = "mixed", "not run"

# From an interval to the distances for and against a claim, 0 where it doesn't lie on that side.
Judge = Callable[[Interval], tuple[float, float]]


class Side(NamedTuple):
    """How far an interval speaks for a claim and against it (`judges`), and its `freedom`."""

    own: float
    other: float
    freedom: float

    def stands(self, level: float, shift: float = 0, among: int = 1) -> str:
        """The verdict at a level, with the interval moved by `shift`; `among` so many to refute."""
        if self.own + shift > widened(self.freedom, level):
            return SUPPORTED
        refuted = self.other - shift > widened(self.freedom, level / among)
        return CONTRADICTED if refuted else INCONCLUSIVE

    def p(self, among: int = 1) -> tuple[float, float]:
        """Levels up to which it speaks for the claim, and against it."""
        held, refuted = (level_of(d, self.freedom) if d else 1.0 for d in (self.own, self.other))
        return held, min(refuted * among, 1.0)


def positive(found: Interval) -> tuple[float, float]:
    """Of `the statistic is above 0`."""
    return _above(found, 0), _below(found, 0)


def negative(found: Interval) -> tuple[float, float]:
    """Of `the statistic is below 0`."""
    return _below(found, 0), _above(found, 0)


def negligible(found: Interval, margin: float = 0.5) -> tuple[float, float]:
    """Of `there is no effect`: within, or outside, +- `margin`; 0.5 is Cohen's medium effect."""
    inside = min(_above(found, -margin), _below(found, margin))
    return inside, max(_above(found, margin), _below(found, -margin))


def effect(found: Interval, margin: float = 0.2) -> tuple[float, float]:
    """Of `there is an effect, whichever its sign`; none if within +- `margin` (small)."""
    inside = min(_above(found, -margin), _below(found, margin))
    return max(_above(found, 0), _below(found, 0)), inside


def _above(found: Interval, border: float) -> float:
    if not np.isfinite([found.low, found.high]).all():
        return 0
    middle = found.estimate
    if not found.low < middle < found.high:  # of a skewed bootstrap, or of no length
        middle = (found.low + found.high) / 2
    gap, reach = middle - border, middle - found.low
    if gap <= 0:
        return 0
    return gap / reach if reach > 0 else np.inf


def _below(found: Interval, border: float) -> float:
    return _above(Interval(-found.estimate, -found.high, -found.low), -border)
