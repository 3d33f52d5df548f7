"""Which of many findings stand, so that few of these are false."""

from collections.abc import Sequence

import numpy as np

RATE = 0.05


def false_discoveries(p: Sequence[float]) -> tuple[np.ndarray, float]:
    """Adjusted p of each finding, and the level at which an interval tells the same.

    Benjamini & Hochberg's procedure holds the expected share of false ones among those with an
    adjusted p of at most 0.05 to 5 %, signs that are wrong among them. The R of m that it finds are
    those whose intervals at the level 0.05 R / m don't hold what they are tested against; such
    intervals miss their statistics at that rate, too (Benjamini & Yekutieli 2005). R is at least 1.

    Returns:
        (m,), level.
    """
    if not len(p):
        return np.array([]), RATE
    from scipy.stats import false_discovery_control  # half a second, on use

    adjusted = false_discovery_control(p)
    return adjusted, RATE * max(int(np.sum(adjusted <= RATE)), 1) / len(p)
