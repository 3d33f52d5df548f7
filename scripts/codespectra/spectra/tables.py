"""Tables of a layer's spectrum: its eigenvalues, its exponent, and resampled exponents."""

from typing import Any

import numpy as np
import pandas as pd

from codespectra.capture.rows import SLAB, Rows
from codespectra.spectra import code_entropy, power_law
from codespectra.spectra.eigenspectrum import Spectrum
from codespectra.spectra.power_law import PowerLaw
from codespectra.statistics.intervals import normal_interval


def spectrum_tables(
    found: Spectrum, law: PowerLaw, draws: np.ndarray, settings: dict[str, Any]
) -> dict[str, pd.DataFrame]:
    """Rows of a layer in eigenvalues.csv, exponents.csv and bootstrap.csv, by these names.

    Args:
        found: its spectrum.
        law: the fit to it.
        draws: (resamples,) exponents whose spread is the standard error of `law.alpha`.
        settings: further columns of exponents.csv.
    """
    ranks = np.arange(1, len(found.eigenvalues) + 1)
    return {
        "eigenvalues": pd.DataFrame({"rank": ranks, "eigenvalue": found.eigenvalues}),
        "exponents": pd.DataFrame([_exponent_columns(found, law, draws, settings)]),
        "bootstrap": pd.DataFrame({"draw": np.arange(len(draws)), "alpha": draws}),
    }


def _exponent_columns(
    found: Spectrum, law: PowerLaw, draws: np.ndarray, settings: dict[str, Any]
) -> dict[str, Any]:
    low, high = normal_interval(law.alpha, draws)
    loss = code_entropy.capacity_loss(law.alpha, found.width)
    return {
        "alpha": law.alpha,
        "alpha_low": low,
        "alpha_high": high,
        "intercept": law.intercept,
        "rmse": law.rmse,
        "first_rank": law.first_rank,
        "last_rank": law.last_rank,
        "curvature": power_law.curvature(found.eigenvalues),
        "participation_ratio": found.participation_ratio,
        "total_variance": found.total_variance,
        "stimulus_count": found.n,
        "width": found.width,
        **settings,
        "note": power_law.notes(law, draws),
        **{f"capacity_loss_{kind}": bits for kind, bits in loss.items()},
    }


def first_token_columns(
    rows: Rows, scores: np.ndarray, first: np.ndarray, *, ranks: tuple[int, int]
) -> dict[str, float]:
    """How far the rows of first tokens lie from the others, and the exponent without them.

    Many language models park attention on a text's first token, whose activations are then up to
    hundreds of times larger than others (Xiao et al. 2024; Sun et al. 2024), so that few rows make
    the leading variance.

    Args:
        rows: (R, D), array or HDF5 dataset, read slab by slab.
        scores: (R, p) of `Spectrum`.
        first: (R,) bool, which rows are first tokens; some are, and at least two are not.
        ranks: of the fit.

    Returns:
        `first_token_norm`: median norm of these rows over that of the others;
        `first_token_share`: share of the total variance that is gone without them, negative where
        they vary less than the others; `alpha_without_first`.
    """
    norms = np.empty(len(rows))
    sums = {"all": np.zeros(rows.shape[1]), "others": np.zeros(rows.shape[1])}
    step = max(1, SLAB // rows.shape[1])
    for start in range(0, len(rows), step):
        slab = rows[start : start + step].astype(np.float64)
        norms[start : start + step] = np.linalg.norm(slab, axis=1)
        sums["all"] += slab.sum(axis=0)
        sums["others"] += slab[~first[start : start + step]].sum(axis=0)
    others = _total_variance(norms[~first], sums["others"])
    return {
        "first_token_norm": float(np.median(norms[first]) / np.median(norms[~first])),
        "first_token_share": 1 - others / _total_variance(norms, sums["all"]),
        "alpha_without_first": power_law.subset_exponent(scores, ~first, ranks=ranks),
    }


def _total_variance(norms: np.ndarray, total: np.ndarray) -> float:
    """Trace of the covariance of rows with these norms (n,) and this sum (D,), divisor n - 1."""
    return float((norms @ norms - total @ total / len(norms)) / (len(norms) - 1))
