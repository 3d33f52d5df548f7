"""Intervals of shares: Wilson's as scipy has it, Newcombe's over all samples of known shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from codespectra.statistics.proportions import mean_of_shares, wilson_interval


@given(st.integers(1, 3000), st.floats(0, 1))
def test_wilson_agrees_with_scipy(trials: int, share: float) -> None:
    correct = round(share * trials)
    expected = stats.binomtest(correct, trials).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(correct, trials), expected, atol=1e-6)


@pytest.mark.parametrize(("trials", "most"), [((5, 6), 0.12), ((25, 33), 0.08)])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.6), (0.9, 0.9), (0.98, 0.9)])
def test_the_mean_of_two_shares_is_in_its_interval(trials, most, shares) -> None:
    """Exactly: the probability of every sample whose interval leaves the true mean out."""
    outside = 0.0
    for first in range(trials[0] + 1):
        for second in range(trials[1] + 1):
            mean, low, high = mean_of_shares((first, trials[0]), (second, trials[1]))
            assert 0 <= low <= mean <= high <= 1 and low < high
            missed = not low <= np.mean(shares) <= high
            outside += missed * np.prod(stats.binom.pmf([first, second], trials, shares))
    assert outside < most


def test_a_share_without_trials_leaves_nothing() -> None:
    assert np.isnan(mean_of_shares((0, 0), (3, 4))).all()
