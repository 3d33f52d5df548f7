"""Eigenspectra of a neural code, in constant memory.

Paper A is Marshall & Kirchner, paper B is Identifying interpretable features in CNNs. `rows` is
always a 2-D array or HDF5 dataset (N stimuli, D units), float32 or float16, read slab by slab.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import linalg

from codespectra.capture.rows import SLAB, Rows, ScaledRows, binary_scale
from codespectra.errors import ArgumentError
from codespectra.spectra import on_gpu
from codespectra.spectra.moments import KeptMoments, covariance, rough_mean, slabs
from codespectra.statistics.arrays import one_of, rows_to_read, whole_number

if TYPE_CHECKING:
    import torch

# lambda_1 / lambda_k from which the last ranks are found in float64: in float32 they err by 1.5e-9
# times this ratio (planted laws, 800 to 4,000 rows and units).
STEEP = 1e5
NOISE_FLOOR = float(np.finfo(np.float32).eps)  # of lambda_1: less is rounding of the activations
MOST_SCORES = 1 << 24  # that are held: 64 MB
# Of the Krylov solver: columns a step, steps, ranks returned, which err by 1e-3 after 5 steps and
# 6e-6 after 8 on a flat spectrum (alpha -0.5, 20,000 rows of 8,000 units).
BLOCK, DEPTH, WINDOW = 64, 8, 60

Solver = Literal["exact", "window", "randomized"]


@dataclass(frozen=True)
class Spectrum:
    """Variances of a code along its principal components, in squared units of the activations.

    Attributes:
        eigenvalues: (k,) float64, descending, divisor N - 1.
        n: number of stimuli N.
        width: number of units D.
        total_variance: trace of the covariance, all ranks.
        participation_ratio: tr(C)^2 / ||C||_F^2 of all ranks; nan where a solver can't know it or
            nothing varies.
        scores: (n, p) float32, the centred rows on the first p components (signs are arbitrary);
            of many stimuli found slice by slice, as they are read.
    """

    eigenvalues: np.ndarray
    n: int
    width: int
    total_variance: float
    participation_ratio: float
    scores: Rows


def spectrum(
    rows: Rows,
    *,
    components: int = 1000,
    solver: Solver = "exact",
    scores: int = 150,
    seed: int = 0,
    kept: KeptMoments | None = None,
    device: torch.device | None = None,
) -> Spectrum:
    """PCA of the column-centred rows (paper A, Methods; paper B, app. C).

    `exact` needs one pass for the D x D covariance, or the N x N Gram matrix when N <= D, shifted
    so that large means cost no digits. All ranks that there are reach down to rounding: they are
    found in float64. Fewer are found in float32, and again in float64 when lambda_1 / lambda_k >
    1e5. Memory doesn't grow with the other dimension. `window` finds only the first 60 ranks, by
    block Krylov iteration in 9 passes, for exponents of wide layers; problems of up to 512 rows or
    units are solved exactly. `randomized` is scikit-learn's solver as in paper A: it holds all rows
    in memory and its last ranks are 12-14 % too low, so that a plotted spectrum bends down at its
    end.

    Args:
        rows: (N, D); an HDF5 dataset is read slab by slab.
        components: most eigenvalues to return, k = min(components, N - 1, D).
        solver: `exact`, `window` or `randomized`.
        scores: most components to project on, p = min(scores, N - 1, D), for `window` at most 512;
            0 skips the eigenvectors.
        seed: of the random start of `window` and `randomized`.
        kept: moments of the first rows, from which `exact` goes on where N > D.
        device: a GPU for the products and eigenvalues of `exact`; None for NumPy.

    Raises:
        ArgumentError: `rows` isn't (N >= 2, D >= 1) or holds infs or nans; an unknown solver.
    """
    rows = rows_to_read(rows, "rows")
    if rows.shape[0] < 2:
        raise ArgumentError(f"rows of shape {rows.shape}: a spectrum needs at least 2 rows")
    one_of(solver, "solver", ("exact", "window", "randomized"))
    components = whole_number(components, "components")
    scores = whole_number(scores, "scores", least=0)
    scale = binary_scale(rows)
    ranks, projected = (min(x, len(rows) - 1, rows.shape[1]) for x in (components, scores))
    found = _solve(ScaledRows(rows, scale), ranks, projected, solver, seed, kept, device)
    return replace(
        found,
        eigenvalues=found.eigenvalues * scale**2,
        total_variance=found.total_variance * scale**2,
        scores=found.scores * np.float32(scale),  # which both kinds can be multiplied with
    )


def _solve(
    rows: Rows,
    ranks: int,
    projected: int,
    solver: Solver,
    seed: int,
    kept: KeptMoments | None,
    device: torch.device | None,
) -> Spectrum:
    """The spectrum of `ScaledRows`, by the solver's name."""
    n, width = rows.shape
    if solver == "exact" or (solver == "window" and min(n, width) <= BLOCK * DEPTH):
        whole = ranks == min(n - 1, width)
        return _exact(rows, ranks, projected, np.float64 if whole else np.float32, kept, device)
    mean, total = _moments(rows)
    if solver == "window":
        eigenvalues, basis = _block_krylov(rows, mean, seed)
        ranks = min(ranks, WINDOW)
    else:
        from sklearn.decomposition import PCA  # half a second, for this solver alone

        pca = PCA(max(ranks, projected), svd_solver="randomized", random_state=seed)
        pca.fit(np.asarray(rows[:], dtype=np.float32))
        eigenvalues, basis = pca.explained_variance_.astype(np.float64), pca.components_.T
    onto = _project(rows, mean, basis[:, :projected])
    return Spectrum(eigenvalues[:ranks], n, width, total, math.nan, onto)


def _exact(
    rows: Rows,
    ranks: int,
    projected: int,
    dtype: type,
    kept: KeptMoments | None,
    device: torch.device | None,
) -> Spectrum:
    """Eigenvalues of the smaller of covariance and Gram matrix, accumulated in `dtype`."""
    n, width = rows.shape
    if n <= width:
        matrix, mean = _gram(rows, dtype, device), None
    else:
        matrix, mean = covariance(rows, dtype, kept, device)
    if device is None:
        eigenvalues, vectors, total, squares = _eigen(matrix, projected)
    else:
        eigenvalues, vectors, total, squares = on_gpu.eigen(matrix, projected, device)
    if dtype is np.float32 and eigenvalues[0] > STEEP * eigenvalues[ranks - 1]:
        return _exact(rows, ranks, projected, np.float64, kept, device)
    if mean is None:
        onto = (vectors * np.sqrt((n - 1) * eigenvalues[:projected])).astype(np.float32)
    else:
        onto = _project(rows, mean, vectors)
    ratio = total**2 / squares if squares > 0 else math.nan
    return Spectrum(eigenvalues[:ranks], n, width, total, ratio, onto)


def _gram(rows: Rows, dtype: type, device: torch.device | None = None) -> np.ndarray:
    """Lower triangle (N, N) of the centred rows' inner products, divided by N - 1."""
    n, width = rows.shape
    syrk = linalg.get_blas_funcs("syrk", dtype=dtype)
    lower = np.zeros((n, n), dtype, order="F")
    step = max(1, SLAB // n)
    for start in range(0, width, step):
        slab = rows[:, start : start + step].astype(dtype)
        slab -= slab.mean(axis=0, dtype=np.float64).astype(dtype)
        if device is not None:
            lower += on_gpu.products(slab.T, device) / (n - 1)
            continue
        lower = syrk(1 / (n - 1), slab.T, beta=1, c=lower, trans=1, lower=1, overwrite_c=1)
    return lower


def _eigen(lower: np.ndarray, leading: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """All eigenvalues, the leading vectors (m, leading), the trace and the squared Frobenius norm.

    The matrix is overwritten. One tridiagonalisation serves the values, in twice the speed of
    eigvalsh, and the few vectors. More than a third of all are found sooner by divide and conquer.
    """
    size = len(lower)
    if 3 * leading > size > 1:
        values, vectors = linalg.eigh(lower, driver="evd", overwrite_a=True, check_finite=False)
        values, vectors = values[::-1].astype(np.float64), vectors[:, ::-1][:, :leading]
        return np.maximum(values, 0), vectors, float(values.sum()), float(values @ values)
    sytrd, ormqr = linalg.get_lapack_funcs(("sytrd", "ormqr"), (lower,))
    reflectors, diagonal, off, tau, _ = sytrd(lower, lower=1, lwork=BLOCK * size, overwrite_a=1)
    diagonal, off = diagonal.astype(np.float64), off.astype(np.float64)
    values = linalg.eigvalsh_tridiagonal(diagonal, off, lapack_driver="sterf")[::-1]
    vectors = np.ones((size, leading), lower.dtype)
    if leading and size > 1:
        span = (size - leading, size - 1)
        small = linalg.eigh_tridiagonal(diagonal, off, select="i", select_range=span)[1]
        vectors[:] = small[:, ::-1]  # the reflectors that turn them lie below the subdiagonal
        vectors[1:] = ormqr("L", "N", reflectors[1:, :-1], tau, vectors[1:], BLOCK * leading)[0]
    squares = diagonal @ diagonal + 2 * off @ off
    return np.maximum(values, 0), vectors, float(diagonal.sum()), float(squares)


def _moments(rows: Rows) -> tuple[np.ndarray, float]:
    """Mean (D,) float32 and total variance."""
    shift = rough_mean(rows, np.float32)
    drift, squares = np.zeros(rows.shape[1]), 0.0
    for slab in slabs(rows, shift):
        drift += np.ones(len(slab), np.float32) @ slab
        squares += float(np.einsum("ij,ij->i", slab, slab).sum(dtype=np.float64))
    drift /= len(rows)
    total = (squares - len(rows) * float(drift @ drift)) / (len(rows) - 1)
    return (shift + drift).astype(np.float32), total


def _block_krylov(rows: Rows, mean: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values and vectors (D, 512) of the covariance, descending (Musco & Musco 2015)."""
    n, width = rows.shape
    basis = np.empty((width, BLOCK * DEPTH), np.float32, order="F")
    images = np.empty_like(basis)
    block = np.random.default_rng(seed).standard_normal((width, BLOCK), dtype=np.float32)
    for start in range(0, BLOCK * DEPTH, BLOCK):
        stop = start + BLOCK
        basis[:, start:stop] = block  # Gram-Schmidt would fail where the rank is exhausted
        basis[:, start:stop] = linalg.qr(basis[:, :stop], mode="economic")[0][:, start:]
        block = np.zeros((width, BLOCK), np.float32)
        for slab in slabs(rows, mean):
            block += slab.T @ (slab @ basis[:, start:stop])
        block /= n - 1
        images[:, start:stop] = block
    small = basis.T @ images
    values, turn = np.linalg.eigh((small + small.T).astype(np.float64) / 2)
    return values[::-1].copy(), basis @ turn[:, ::-1].astype(np.float32)


def _project(rows: Rows, mean: np.ndarray, basis: np.ndarray) -> np.ndarray | ReadScores:
    """(N, p) float32 of the centred rows on the columns of `basis`."""
    if not basis.shape[1]:  # no pass for nothing
        return np.zeros((len(rows), 0), np.float32)
    if len(rows) * basis.shape[1] > MOST_SCORES:
        return ReadScores(rows, mean, basis)
    return np.concatenate([slab @ basis for slab in slabs(rows, mean)]).astype(np.float32)


class ReadScores:
    """Scores (N, p) that are found from the rows each time that they are read: too many to hold."""

    dtype = np.dtype(np.float32)

    def __init__(self, rows: Rows, mean: np.ndarray, basis: np.ndarray):
        """Take rows (N, D), their mean (D,) and components (D, p)."""
        self._rows, self._mean, self._basis = rows, mean, basis
        self.shape = (rows.shape[0], basis.shape[1])

    def __mul__(self, scale: float) -> ReadScores:
        return ReadScores(self._rows, self._mean, self._basis * scale)

    def __getitem__(self, part: slice) -> np.ndarray:
        found = np.empty((len(range(*part.indices(self.shape[0]))), self.shape[1]), np.float32)
        first, stop, _ = part.indices(self.shape[0])
        at = 0
        for slab in slabs(self._rows, self._mean, range(first, stop)):
            found[at : at + len(slab)] = slab @ self._basis
            at += len(slab)
        return found
