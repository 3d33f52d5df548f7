"""Participation ratio without the bias of few stimuli, few units and noise.

A sample's tr(C)^2 / ||C||_F^2 is too small: one over it exceeds the population's by 1 / N + 1 / D
(Chun, Canatar, Chung & Lee 2026, Estimating dimensionality of neural representations from finite
samples, ICLR). Numerator and denominator are sums over pairs of stimuli and pairs of units; with
no product in which one comes twice each is unbiased. Units are then taken as a sample of many more
that mix its dimensions at random. Where they are all there are, only stimuli are a sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from codespectra.capture.rows import SLAB, Rows
from codespectra.errors import ArgumentError
from codespectra.spectra.eigenspectrum import Spectrum
from codespectra.spectra.weighted_spectra import score_blocks
from codespectra.statistics.arrays import rows_to_read
from codespectra.statistics.intervals import NORMAL_REACH

FEWEST = 4  # stimuli in a product of four


@dataclass(frozen=True)
class Ratio:
    """A participation ratio, and its 95 % interval over stimuli (nan where it isn't known).

    It is inf where units covary no more than chance has it: then there is no end of dimensions.
    """

    value: float
    low: float = np.nan
    high: float = np.nan


@dataclass(frozen=True)
class _Sums:
    """Sums of products of centred rows A and B, two repeats or one and the same.

    With q_a = sum_i A_ia B_ia of unit a: `total` is their sum, `units` that of q_a^2; `stimuli` is
    the sum of (A_i . B_i)^2, `entries` of (A_ia B_ia)^2, `cross` of (A_i . B_j)(A_j . B_i).
    """

    total: float
    units: float
    stimuli: float
    entries: float
    cross: float


def corrected_ratios(rows: Rows, found: Spectrum) -> tuple[Ratio, Ratio]:
    """Participation ratios corrected for few stimuli and units, and for few stimuli alone.

    The interval is the plain ratio's, by the influence of each stimulus, whose part in ||C||_F^2 is
    taken from the leading components.

    Args:
        rows: (N, D).
        found: its spectrum, with scores; its own participation ratio is known.

    Raises:
        ArgumentError: fewer than 4 stimuli or 2 units, or the spectrum doesn't know the ratio.
    """
    rows = rows_to_read(rows, "rows")
    if not np.isfinite(found.participation_ratio):
        raise ArgumentError("found: a participation ratio needs all ranks; solver exact finds them")
    norms, (units, entries) = _passed(rows, rows)
    total = found.total_variance * (found.n - 1)
    cross = total**2 / found.participation_ratio
    variances = found.eigenvalues[: found.scores.shape[1]]
    pull = np.empty(found.n)
    for part, scores in score_blocks(found.scores):
        pull[part] = scores[:, : len(variances)] ** 2 @ variances
    influence = 2 * norms / norms.mean() - 2 * pull * found.n**2 / cross
    reach = NORMAL_REACH * float(np.std(influence, ddof=1)) / found.n**0.5

    def ratio(units: float, entries: float) -> Ratio:
        value = _ratio(_Sums(total, units, norms @ norms, entries, cross), found.n)
        return Ratio(value, value * (1 - reach), value * (1 + reach))

    return ratio(units, entries), ratio(0.0, 0.0)


def shared_ratios(first: Rows, second: Rows) -> tuple[Ratio, Ratio]:
    """The same of what two repeats (N, D) of the stimuli share, whatever their noise.

    Raises:
        ArgumentError: fewer than 4 stimuli or 2 units, or other shapes.
    """
    first, second = rows_to_read(first, "first"), rows_to_read(second, "second")
    if first.shape != second.shape:
        shapes = f"{first.shape} and {second.shape}"
        raise ArgumentError(f"first and second have shapes {shapes}, not one")
    norms, (units, entries) = _passed(first, second)
    total, stimuli, cross = norms.sum(), norms @ norms, _cross(first, second)
    kinds = (units, entries), (0.0, 0.0)
    both, alone = (_ratio(_Sums(total, u, stimuli, e, cross), len(norms)) for u, e in kinds)
    return Ratio(both), Ratio(alone)


def _passed(first: Rows, second: Rows) -> tuple[np.ndarray, tuple[float, float]]:
    """A_i . B_i (N,), and the sums `units` and `entries`, slab by slab."""
    n, width = first.shape
    if n < FEWEST or width < 2:
        raise ArgumentError(f"rows: {n} stimuli and {width} units, at least {FEWEST} and 2 needed")
    norms, units, entries = np.empty(n), np.zeros(width), 0.0
    for part, ours, theirs in _slabs(first, second):
        product = ours * theirs
        norms[part] = product.sum(axis=1)
        units += product.sum(axis=0)
        entries += float(np.vdot(product, product))
    return norms, (float(units @ units), entries)


def _slabs(first: Rows, second: Rows) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Slabs of both repeats in float64, each minus its repeat's mean; one code may be both."""
    n, width = first.shape
    step = max(1, SLAB // width)
    parts = [slice(start, min(start + step, n)) for start in range(0, n, step)]
    pair = [first] if second is first else [first, second]
    means = [sum(rows[part].sum(axis=0, dtype=np.float64) for part in parts) / n for rows in pair]
    for part in parts:
        slabs = [rows[part] - mean for rows, mean in zip(pair, means, strict=True)]
        yield part, slabs[0], slabs[-1]


def _cross(first: Rows, second: Rows) -> float:
    """Sum over pairs of stimuli of (A_i . B_j)(A_j . B_i), from the smaller of A B' and A' B."""
    n, width = first.shape
    products = np.zeros((min(n, width),) * 2)
    if n > width:
        for _, ours, theirs in _slabs(first, second):
            products += ours.T @ theirs
    else:
        step = max(1, SLAB // n)
        for start in range(0, width, step):
            blocks = [rows[:, start : start + step].astype(np.float64) for rows in (first, second)]
            ours, theirs = (block - block.mean(axis=0) for block in blocks)
            products += ours @ theirs.T
    return float(np.einsum("ij,ji->", products, products))


def _ratio(sums: _Sums, n: int) -> float:
    """Unbiased numerator over unbiased denominator (Chun et al. 2026, sections 2 to 4).

    With columns centred, every sum in which a stimulus stands alone is zero. Products of one unit
    with itself are taken off where `units` and `entries` are theirs, and stay where those are zero.
    """
    numerator, denominator = sums.total**2 - sums.units, sums.cross - sums.units
    same = n / (n - 2) * (sums.stimuli - sums.entries)
    pairs = 1 / ((n - 1) * (n - 2))
    above = numerator - same + pairs * (2 * denominator - numerator)
    below = denominator - same + pairs * numerator
    return float(above / below) if below > 0 else float("inf")
