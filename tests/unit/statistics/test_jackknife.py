"""The jackknife over groups, and rank correlations of many scores at once."""

import numpy as np
import pytest
from scipy import stats

from codespectra.statistics.evidence import rank_correlation
from codespectra.statistics.jackknife import jackknife_deviations, jackknife_reach, random_folds
from codespectra.statistics.rank_correlations import rank_correlations

RESAMPLING = {"resamples": 200, "seed": 4}


def test_of_a_mean_of_groups_the_jackknife_gives_student_s_interval():
    values = np.random.default_rng(0).standard_normal(12)
    without = (values.sum() - values) / 11
    assert np.mean(jackknife_deviations(without) ** 2) == pytest.approx(values.var(ddof=1) / 12)
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert jackknife_reach(without) == pytest.approx((high - low) / 2)


@pytest.mark.parametrize("count", [7, 20, 45])
def test_folds_are_of_equal_size_and_drawn_by_the_seed(count):
    folds = random_folds(count, 20, 0)
    sizes = np.bincount(folds)
    assert len(sizes) == min(count, 20) and np.ptp(sizes) <= 1
    np.testing.assert_array_equal(folds, random_folds(count, 20, 0))
    assert (folds != random_folds(count, 20, 1)).any()


def test_rank_correlations_are_those_of_each_pair():
    values = np.random.default_rng(1).standard_normal((40, 3))
    values[:, 1] += values[:, 0]
    values[:, 2] = values[:, 2].round()  # ties
    rho, low, high = rank_correlations(values, **RESAMPLING)
    for i, j in ((0, 1), (0, 2), (2, 1)):
        found = rank_correlation("", values[:, i], values[:, j], **RESAMPLING)
        told = [found.estimate, found.low, found.high]
        np.testing.assert_allclose([rho[i, j], low[i, j], high[i, j]], told)


def test_a_constant_score_and_too_few_rows_correlate_with_nothing():
    values = np.random.default_rng(2).standard_normal((9, 2)) * [1, 0]
    for found in rank_correlations(values, **RESAMPLING):
        assert np.isnan(found[0, 1]) and np.isnan(found[1, 1])
    assert np.isnan(rank_correlations(values[:4], **RESAMPLING)).all()
