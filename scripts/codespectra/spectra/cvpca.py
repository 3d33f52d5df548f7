"""Cross-validated PCA: the spectrum that two repeats of the same stimuli share.

A network with its dropout left on answers the same stimuli twice. Noise that is independent between
the repeats adds to the variances of either, but not to the covariance of the two (Stringer et al.
2019, Nature 571, 361, Methods, "Cross-validated PCA"). `spectra` says what rows are.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from codespectra.errors import ArgumentError
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.eigenspectrum import Spectrum
from codespectra.spectra.power_law import PowerLaw
from codespectra.spectra.weighted_spectra import multinomial_counts
from codespectra.statistics.arrays import numbers, rows_to_read, whole_number

SUBSPACE = 150  # leading components that the bootstrap resamples in, for ranks up to 50


@dataclass(frozen=True)
class RowRange:
    """Rows `start` to `stop` - 1 of a 2-D array or HDF5 dataset; only what is sliced is read."""

    rows: eigenspectrum.Rows
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the range."""
        return len(self), self.rows.shape[1]

    @property
    def chunks(self) -> tuple[int, int] | None:
        """Chunks of the HDF5 dataset, if it is one."""
        return getattr(self.rows, "chunks", None)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, key: slice | tuple[slice, slice]) -> np.ndarray:
        chosen, *columns = key if isinstance(key, tuple) else (key,)
        taken = range(self.start, self.stop)[chosen]
        return self.rows[(slice(taken.start, taken.stop), *columns)]


def repeats(rows: eigenspectrum.Rows) -> tuple[RowRange, RowRange]:
    """First and second half of 2 N rows: the repeats, with the stimuli in the same order.

    Raises:
        ArgumentError: the number of rows is odd.
    """
    rows = rows_to_read(rows, "rows")
    stimuli, rest = divmod(rows.shape[0], 2)
    if rest:
        raise ArgumentError(f"rows: {rows.shape[0]} rows are not two repeats of the same stimuli")
    return RowRange(rows, 0, stimuli), RowRange(rows, stimuli, 2 * stimuli)


@dataclass(frozen=True)
class CrossValidatedSpectrum:
    """Covariances of two repeats along the principal components of the first.

    Attributes:
        eigenvalues: (k,) float64, squared units of the activations, divisor N - 1. In the order of
            the plain ones, so that they needn't descend; noise in the tail makes some negative.
        plain: spectrum of the first repeat, with k eigenvalues; its scores are (N, p).
        scores: (N, p) float32, the second repeat, centred, on the first's components.
    """

    eigenvalues: np.ndarray
    plain: Spectrum
    scores: np.ndarray


def cross_validated_spectrum(
    first: eigenspectrum.Rows | RowRange,
    second: eigenspectrum.Rows | RowRange,
    *,
    components: int = 1000,
    solver: eigenspectrum.Solver = "exact",
    seed: int = 0,
) -> CrossValidatedSpectrum:
    """Covariance v' A1' A2 v / (N - 1) along each principal component v of the first repeat.

    As A1 v = sqrt((N - 1) lambda) u with the left singular vector u, it is u' A2 A1' u / (N - 1):
    columns are read in blocks, and memory doesn't grow with D. Right to 1e-3 of each variance:
    the products are float64, but the float32 of `spectra` mixes ranks of nearly equal variance.

    Args:
        first: A1 (N, D), before centring; each repeat is centred by its own mean.
        second: A2 (N, D), the same stimuli in the same order.
        components: most eigenvalues to return, k = min(components, N - 1, D), 60 for `window`.
        solver: of `eigenspectrum.spectrum`, for the first repeat.
        seed: of the random start of `window` and `randomized`.

    Raises:
        ArgumentError: the repeats differ in shape, or aren't what `eigenspectrum.spectrum` takes.
    """
    first, second = rows_to_read(first, "first"), rows_to_read(second, "second")
    if first.shape != second.shape:
        raise ArgumentError(
            f"first and second have shapes {first.shape} and {second.shape}, not one"
        )
    components = whole_number(components, "components")
    kept = min(components, eigenspectrum.WINDOW) if solver == "window" else components
    plain = eigenspectrum.spectrum(first, components=kept, solver=solver, scores=kept, seed=seed)
    scores = plain.scores[:]
    left = _left_vectors(scores, plain.width)
    image = _cross_product(first, second, left) / (plain.n - 1)
    above = plain.eigenvalues > eigenspectrum.NOISE_FLOOR * plain.eigenvalues[0]
    leading = min(SUBSPACE, int(above.sum()))
    second_scores = image[:, :leading] * np.sqrt((plain.n - 1) / plain.eigenvalues[:leading])
    return CrossValidatedSpectrum(
        np.einsum("nk,nk->k", left, image),
        replace(plain, scores=scores[:, :leading]),
        second_scores.astype(np.float32),
    )


@dataclass(frozen=True)
class _Swapped:
    """Rows of one repeat, but of the other where `swapped` (N,) says so."""

    rows: eigenspectrum.Rows | RowRange
    other: eigenspectrum.Rows | RowRange
    swapped: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | tuple[slice, slice]) -> np.ndarray:
        chosen = self.swapped[key[0] if isinstance(key, tuple) else key]
        return np.where(chosen[:, None], self.other[key], self.rows[key])


def swapped_eigenvalues(
    first: eigenspectrum.Rows | RowRange,
    second: eigenspectrum.Rows | RowRange,
    *,
    components: int = 1000,
    swaps: int,
    seed: int = 0,
) -> np.ndarray:
    """Mean cross-validated eigenvalues (k,) with the repeats of half of the stimuli swapped.

    Which repeat comes first is chance, and Stringer et al. take the mean over ten draws of it.

    Args:
        first: of `cross_validated_spectrum`, as are `second` and `components`.
        second: the other repeat.
        components: most eigenvalues to return.
        swaps: how many draws; each is a spectrum's work.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    found = np.zeros(min(components, first.shape[0] - 1, first.shape[1]))
    for swapped in rng.random((swaps, first.shape[0])) < 0.5:
        pair = _Swapped(first, second, swapped), _Swapped(second, first, swapped)
        found += cross_validated_spectrum(*pair, components=components).eigenvalues / swaps
    return found


def _left_vectors(scores: np.ndarray, width: int) -> np.ndarray:
    """Unit columns (N, k) float64, made orthogonal: float32 scores keep some of the larger ones.

    Not so those of all ranks of a Gram matrix, which are float64's but for their last rounding.
    """
    scores = scores.astype(np.float64)
    if scores.shape[1] == len(scores) - 1 < width:
        return scores / np.maximum(np.linalg.norm(scores, axis=0), np.finfo(np.float64).tiny)
    vectors, mixing = linalg.qr(scores, mode="economic", check_finite=False)
    return vectors * np.where(np.diag(mixing) < 0, -1, 1)


def _cross_product(
    first: eigenspectrum.Rows | RowRange, second: eigenspectrum.Rows | RowRange, left: np.ndarray
) -> np.ndarray:
    """A2 A1' left (N, k) of the centred repeats."""
    n, width = first.shape
    product = np.zeros_like(left)
    step = max(1, eigenspectrum.SLAB // n)
    for start in range(0, width, step):
        columns = slice(start, start + step)
        block, other = (_centred(rows[:, columns]) for rows in (first, second))
        if n < left.shape[1] * 2:  # the repeats' products first: N x N is the smaller
            product += (other @ block.T) @ left
        else:
            product += other @ (block.T @ left)
    return product


def _centred(block: np.ndarray) -> np.ndarray:
    block = block.astype(np.float64)
    block -= block.mean(axis=0)
    return block


def fit_power_law(eigenvalues: np.ndarray, *, ranks: tuple[int, int] = (10, 50)) -> PowerLaw:
    """`power_law.fit_power_law` of the ranks before the first that isn't positive.

    Such a rank has no logarithm, and the positive ones among the noise behind it would bias the
    fit. Where that shrinks the window, the note says so. Noise turns the components, too, which
    steepens the fit: white noise of 0.25, 0.5 and 1 times the variance of rank 50 makes of a
    planted -1 an alpha of -0.99, -1.02 and -1.08, and a plain one of -0.85, -0.74 and -0.56
    (N = 2,000, D = 400).

    Args:
        eigenvalues: (k,) cross-validated.
        ranks: first and last rank, 1-based and inclusive.
    """
    eigenvalues = numbers(eigenvalues, "eigenvalues", "k", empty=True)
    positive = int(np.logical_and.accumulate(eigenvalues > 0).sum())
    law = power_law.fit_power_law(eigenvalues[:positive], ranks=ranks)
    if not law.note or positive == len(eigenvalues):
        return law
    return replace(law, note=f"rank {positive + 1} covaries no more between repeats; {law.note}")


def bootstrap_exponents(
    found: CrossValidatedSpectrum,
    *,
    ranks: tuple[int, int] = (10, 50),
    resamples: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Exponents (resamples,) of stimuli resampled in both repeats alike, in the leading subspace.

    The resamples are those of `power_law.bootstrap_exponents` for the same N and seed. As there, a
    draw that has fewer usable ranks than the sample gives nan.
    """
    first, second = (scores.astype(np.float64) for scores in (found.plain.scores, found.scores))
    n = len(first)
    counts = np.concatenate([*multinomial_counts(n, resamples, seed)], axis=1)
    whole = fit_power_law(found.eigenvalues, ranks=ranks)
    resampled = np.stack([_resampled(first, second, drawn) for drawn in counts])
    return power_law.exponents_in_window(resampled, ranks=ranks, last_rank=whole.last_rank)


def _resampled(first: np.ndarray, second: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Cross-validated eigenvalues (p,) with each stimulus counted `counts` times."""
    n = len(first)
    centred = first - counts @ first / n
    weighted = centred * counts[:, None]
    vectors = np.linalg.eigh(weighted.T @ centred)[1][:, ::-1]
    return np.einsum("ik,ik->k", vectors, weighted.T @ second @ vectors) / n
