"""The jackknife: what leaving out one group of stimuli at a time tells of a statistic's error.

Groups are photographs, where stimuli are crops that share one, or else random ones.
"""

import numpy as np
from scipy import stats


def random_folds(count: int, folds: int, seed: int) -> np.ndarray:
    """The group (count,) of each stimulus, drawn at random, as equal in size as may be."""
    return np.random.default_rng(seed).permutation(count) % min(folds, count)


def jackknife_deviations(draws: np.ndarray) -> np.ndarray:
    """Deviations of a statistic without each group (G, ...), as large as those over fresh groups.

    Their mean square is the jackknife's variance (Tukey 1958), of G - 1 degrees of freedom.
    """
    return np.sqrt(len(draws) - 1) * (draws - draws.mean(axis=0))


def jackknife_reach(draws: np.ndarray) -> np.ndarray:
    """Reach of Student's 95 % interval (...) of a statistic, from its values without each group."""
    end = stats.t.ppf(0.975, len(draws) - 1)
    return end * np.sqrt(np.mean(jackknife_deviations(draws) ** 2, axis=0))
