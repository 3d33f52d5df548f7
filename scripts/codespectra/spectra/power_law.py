"""Power laws of eigenspectra, variance ~ rank ** alpha with a negative alpha (paper A, Methods)."""

import math
from dataclasses import dataclass

import numpy as np

from codespectra.capture.rows import Rows
from codespectra.errors import ArgumentError
from codespectra.spectra.eigenspectrum import NOISE_FLOOR
from codespectra.spectra.huber import huber_lines
from codespectra.spectra.weighted_spectra import (
    multinomial_counts,
    score_blocks,
    weighted_spectra,
)
from codespectra.statistics.arrays import numbers, rows_to_read, whole_number

FEWEST_RANKS = 5  # for an exponent or a curvature: three numbers are fitted


@dataclass(frozen=True)
class PowerLaw:
    """A fit log(eigenvalue) = intercept + alpha * log(rank), natural logarithms.

    `note` says why the window shrank or the exponent is missing (nan), and is empty otherwise;
    `rmse` is that of the log variances; the ranks fitted are 1-based and inclusive.
    """

    alpha: float
    intercept: float
    rmse: float
    first_rank: int
    last_rank: int
    note: str


def above_floor(eigenvalues: np.ndarray) -> int:
    """Number of leading ranks whose variance isn't rounding noise."""
    floor = NOISE_FLOOR * eigenvalues[0] if len(eigenvalues) else 0
    return int(np.logical_and.accumulate(np.asarray(eigenvalues) > floor).sum())


def _window(ranks: tuple[int, int]) -> tuple[int, int]:
    try:
        first, last = map(int, ranks)
        right = 1 <= first <= last and (first, last) == tuple(ranks)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise ArgumentError(f"ranks: {ranks} isn't a first and a last rank, 1 <= first <= last")
    return first, last


def fit_power_law(eigenvalues: np.ndarray, *, ranks: tuple[int, int] = (10, 50)) -> PowerLaw:
    """Huber regression of log variance on log rank (paper A, Methods).

    Only the leading eigenvalues above the noise floor, float32 epsilon times the first, are used.

    Args:
        eigenvalues: (k,), descending.
        ranks: first and last rank, 1-based and inclusive. The window shrinks if there are fewer
            and `note` says so; under 5 ranks the exponent is nan and `note` says why.

    Raises:
        ArgumentError: `ranks` isn't 1 <= first <= last; eigenvalues aren't finite numbers (k,).
    """
    eigenvalues = numbers(eigenvalues, "eigenvalues", "k", empty=True)
    first, last = _window(ranks)
    usable = above_floor(eigenvalues)
    last = min(last, usable)
    used = max(0, last - first + 1)
    note = f"{usable} of {len(eigenvalues)} eigenvalues given are above the noise floor"
    if used < FEWEST_RANKS:
        note = f"no exponent: {used} ranks from {first} on, {FEWEST_RANKS} needed; {note}"
        return PowerLaw(math.nan, math.nan, math.nan, first, last, note)
    rank = np.log(np.arange(first, last + 1))
    variance = np.log(np.asarray(eigenvalues[first - 1 : last], dtype=np.float64))
    (alpha,), (intercept,) = (part.tolist() for part in huber_lines(rank, variance[None]))
    rmse = float(np.sqrt(np.mean((variance - intercept - alpha * rank) ** 2)))
    note = "" if last == ranks[1] else f"ranks {first}-{ranks[1]} shrunk to {first}-{last}: {note}"
    return PowerLaw(alpha, intercept, rmse, first, last, note)


def weighted_power_law(eigenvalues: np.ndarray, ranks: tuple[int, int] = (11, 500)) -> PowerLaw:
    """Stringer et al.'s fit: least squares of log |variance| on log rank, weighted by 1 / rank.

    Their code takes the magnitude of cross-validated variances, which may be negative, and ranks 11
    to 500; its Python version begins at 12. The window shrinks to the eigenvalues given and `note`
    says so; under 5 ranks the exponent is nan.

    Args:
        eigenvalues: (k,), descending or cross-validated.
        ranks: first and last, 1-based and inclusive.
    """
    eigenvalues = numbers(eigenvalues, "eigenvalues", "k", empty=True)
    first, last = _window(ranks)
    last = min(last, int(np.count_nonzero(eigenvalues)))
    if last - first + 1 < FEWEST_RANKS:
        note = (
            f"no exponent: {max(0, last - first + 1)} ranks from {first} on, {FEWEST_RANKS} needed"
        )
        return PowerLaw(math.nan, math.nan, math.nan, first, last, note)
    rank = np.arange(first, last + 1)
    logs = np.log(np.abs(np.asarray(eigenvalues, dtype=np.float64)[first - 1 : last]))
    # polyfit squares its weights.
    alpha, intercept = np.polyfit(np.log(rank), logs, 1, w=rank**-0.5)
    rmse = float(np.sqrt(np.mean((logs - intercept - alpha * np.log(rank)) ** 2)))
    note = "" if last == ranks[1] else f"ranks {first}-{ranks[1]} shrunk to {first}-{last}"
    return PowerLaw(float(alpha), float(intercept), rmse, first, last, note)


def bootstrap_exponents(
    scores: Rows, *, ranks: tuple[int, int] = (10, 50), resamples: int = 100, seed: int = 0
) -> np.ndarray:
    """Exponents (resamples,) of resampled stimuli, each from the PCA inside the leading subspace.

    The same N and seed draw the same stimuli, so that layers can be compared draw by draw. A draw
    that has fewer usable ranks than the sample gives nan, for it would be another estimator. Memory
    doesn't grow with N where scores are read.

    Args:
        scores: (N, p), `Spectrum.scores`; p well above the last rank, as variance from beyond the
            subspace can't come back (150 for ranks up to 50).
        ranks: of `fit_power_law`.
        resamples: how many.
        seed: of the resamples.
    """
    scores = rows_to_read(scores, "scores", "N, p")
    counts = multinomial_counts(scores.shape[0], whole_number(resamples, "resamples"), seed)
    blocks = (
        (rows, np.concatenate([np.ones_like(drawn[:1]), drawn]))
        for (_, rows), drawn in zip(score_blocks(scores), counts, strict=True)
    )
    spectra = weighted_spectra(blocks)
    whole = fit_power_law(spectra[0], ranks=ranks)
    return exponents_in_window(spectra[1:], ranks=ranks, last_rank=whole.last_rank)


def subset_exponent(scores: Rows, kept: np.ndarray, *, ranks: tuple[int, int] = (10, 50)) -> float:
    """Exponent of some of the rows, from the PCA inside the leading subspace of all.

    Args:
        scores: (R, p) as `bootstrap_exponents` takes them.
        kept: (R,) bool.
        ranks: of `fit_power_law`, whose window may shrink here.
    """
    scores, kept = rows_to_read(scores, "scores", "R, p"), numbers(kept, "kept", "R")
    blocks = ((rows, kept[None, part]) for part, rows in score_blocks(scores))
    return fit_power_law(weighted_spectra(blocks)[0], ranks=ranks).alpha


def exponents_in_window(
    eigenvalues: np.ndarray, *, ranks: tuple[int, int], last_rank: int
) -> np.ndarray:
    """Exponents of spectra (resamples, k) whose window ends at `last_rank`; nan for others."""
    first = ranks[0]
    same = [min(ranks[1], above_floor(drawn)) == last_rank for drawn in eigenvalues]
    exponents = np.full(len(eigenvalues), math.nan)
    if any(same) and last_rank - first + 1 >= FEWEST_RANKS:
        rank = np.log(np.arange(first, last_rank + 1))
        exponents[same] = huber_lines(rank, np.log(eigenvalues[same, first - 1 : last_rank]))[0]
    return exponents


def notes(law: PowerLaw, draws: np.ndarray) -> str:
    """Why the window shrank, the exponent is missing, or its `draws` give no interval; else empty.

    A missing exponent needs no word on its interval.
    """
    lost = int(np.isnan(draws).sum())
    if not lost or math.isnan(law.alpha):
        return law.note
    missing = f"no interval: {lost} of {len(draws)} resamples have another number of usable ranks"
    return f"{law.note}; {missing}" if law.note else missing


def curvature(eigenvalues: np.ndarray) -> float:
    """Quadratic coefficient of log variance on log rank, least squares (paper A, fig. 5).

    Zero for a power law, negative where the spectrum falls off at its end. All ranks above the
    noise floor count equally; nan with fewer than 5.

    Args:
        eigenvalues: (k,), descending.
    """
    eigenvalues = numbers(eigenvalues, "eigenvalues", "k", empty=True)
    usable = above_floor(eigenvalues)
    if usable < FEWEST_RANKS:
        return math.nan
    rank = np.log(np.arange(1, usable + 1))
    return float(np.polyfit(rank, np.log(eigenvalues[:usable]), 2)[0])
