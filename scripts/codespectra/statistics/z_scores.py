"""Columns of mean 0 and spread 1, so that their products are correlations."""

import numpy as np


def standardised(columns: np.ndarray) -> np.ndarray:
    """Each column of (N, K) less its mean, in standard deviations; constant ones are 0."""
    spread = columns.std(axis=0)
    centred = columns - columns.mean(axis=0)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
