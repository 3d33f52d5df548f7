"""95 % intervals of shares: of one (Wilson 1927), and of the mean of two (Newcombe 1998).

The second holds the true mean in 90-99 % of samples of 5 and 6; resampling them in 50-91 %, for
where all answers are right it has no width (true shares .5 to 1, 2,000 samples each).
"""

import numpy as np

from codespectra.statistics.intervals import NORMAL_REACH


def wilson_interval(correct: float, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of correct / trials, where ties make halves; nan without trials."""
    if not trials:
        return np.nan, np.nan
    share, spread = correct / trials, NORMAL_REACH**2 / trials
    centre = share + spread / 2
    reach = np.sqrt(spread * (share * (1 - share) + spread / 4))
    return (centre - reach) / (1 + spread), (centre + reach) / (1 + spread)


def mean_of_shares(
    first: tuple[float, int], second: tuple[float, int]
) -> tuple[float, float, float]:
    """Mean of two independent shares, each (correct, trials), and its 95 % interval.

    Newcombe's (1998): from the mean as far as the ends of Wilson's two intervals are from their
    shares, added as squares and halved. nan where one has no trials.
    """
    if not (first[1] and second[1]):
        return np.nan, np.nan, np.nan
    shares = np.array([correct / trials for correct, trials in (first, second)])
    lows, highs = np.array([wilson_interval(*first), wilson_interval(*second)]).T
    mean = shares.mean()
    below, above = (np.linalg.norm(shares - ends) / 2 for ends in (lows, highs))
    return float(mean), float(max(mean - below, 0)), float(min(mean + above, 1))
