"""Spearman's rank correlation of many samples at once: of pairs, and of all columns."""

import numpy as np

# Numbers that are ranked at once: 8 MB.
BLOCK_NUMBERS = 1 << 20


def spearman_rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rho of each row of (resamples, n) pairs; nan where a side is constant."""
    ranks = [_ranks(values) for values in (first, second)]
    a, b = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / spread


def rank_correlations(
    values: np.ndarray, *, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spearman's rho (S, S) of the columns of (n, S), and its ends bootstrapped over rows (95 %).

    As `evidence.rank_correlation` of each pair, but that all share the rows that are drawn. nan
    where a column is constant, or there are fewer than five rows.
    """
    count, width = values.shape
    if count < 5:
        return (np.full((width, width), np.nan),) * 3
    chosen = np.random.default_rng(seed).integers(count, size=(resamples, count))
    step = max(1, BLOCK_NUMBERS // values.size)
    drawn = np.concatenate(
        [_rho(values[chosen[start : start + step]]) for start in range(0, resamples, step)]
    )
    known = ~np.isnan(rho := _rho(values[None])[0])
    low, high = np.full((2, width, width), np.nan)
    low[known], high[known] = np.nanquantile(drawn[:, known], [0.025, 0.975], axis=0)
    return rho, low, high


def _rho(samples: np.ndarray) -> np.ndarray:
    """Of each sample (R, n, S): (R, S, S)."""
    ranks = _ranks(samples)
    ranks -= ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        unit = ranks / lengths
    return unit.swapaxes(1, 2) @ unit


def _ranks(samples: np.ndarray) -> np.ndarray:
    """Of each sample (R, n, ...) along its second axis."""
    from scipy.stats import rankdata  # half a second, on use

    return rankdata(samples, axis=1)
