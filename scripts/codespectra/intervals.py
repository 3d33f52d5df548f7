"""95 % intervals of means."""

import numpy as np
from scipy import stats
from scipy.special import ndtri

# Of a normal 95 % interval, in standard deviations.
NORMAL_REACH = float(ndtri(0.975))


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of the finite values, and Student's 95 % interval of it; nan with fewer than two."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return (float(known[0]) if len(known) else np.nan), np.nan, np.nan
    reach = stats.t.ppf(0.975, len(known) - 1) * stats.sem(known)
    return float(known.mean()), float(known.mean() - reach), float(known.mean() + reach)
