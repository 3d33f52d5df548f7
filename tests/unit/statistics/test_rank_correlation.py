"""Rank correlations of many scores at once."""

import numpy as np

from codespectra.statistics.evidence import rank_correlation
from codespectra.statistics.rank_correlation import rank_correlations

RESAMPLING = {"resamples": 200, "seed": 4}


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
