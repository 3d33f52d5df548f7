"""Random projections of a layer's activations along a film, and their action.

A layer answers the n frames of a film (a dot that moves round a circle) with activations
A (n, D). A random projection is z = A r, r in R^{D x 3} with independent entries N(0, 1/D).
Source: "paper A", fig. 4 and 6c-e, and its supplement, section 2.5.

Every trajectory here is z less its mean over frames, that is C A r with C = I - 1/n. The action
and a read-out with intercept don't see that shift, and a drawn curve keeps its shape; without it
the offset of non-negative activations would eat the digits of float32.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import zeta

from codespectra.capture.rows import binary_scale

AXES = 3  # of a projection, as in paper A
COLUMNS = 4096  # a block's columns: its float32 products stay in the cache, their sums in float64
BATCH_ENTRIES = 2**25  # entries of r that are held at once: 128 MiB


class ActionLaw(NamedTuple):
    """Mean and variance of the action over random projections."""

    mean: float
    variance: float


def action(trajectories: ArrayLike, *, dt: float = 1.0) -> NDArray[np.float64]:
    """Action 1/2 sum_t |z_{t+1} - z_t|^2 / dt of each trajectory (..., n, 3), as (...,).

    The path is open: there is no step from the last frame back to the first. `dt` is the time
    between frames, 1 by default, so that a smooth path's action falls as frames are added.
    Source: paper A eq. 4, with the 1/2 of its supplement.
    """
    steps = np.diff(np.asarray(trajectories, dtype=np.float64), axis=-2)
    return 0.5 * np.einsum("...ti,...ti->...", steps, steps) / dt


def expected_action(activations: NDArray) -> ActionLaw:
    """Exact mean and variance of the action over r, dt = 1, from activations (n, D).

    With G = dA dA^T of the steps between frames the action is 1/2 sum_i lambda_i(G) / D chi^2_3:
    mean 3 |dA|_F^2 / (2 D), variance 3 |G|_F^2 / (2 D^2). The supplement's 1/2 tr Sigma lacks the
    three axes and the 1/D, and uses positions where eq. 4 has steps.

    Raises ValueError for fewer than two frames and for activations that are not finite.
    """
    gram = _step_gram(activations)
    half_axes = AXES / 2
    return ActionLaw(half_axes * float(np.trace(gram)), half_axes * float(np.sum(gram**2)))


def trajectory_root(activations: NDArray) -> NDArray[np.float64]:
    """Root L (n, n - 1) of the centred Gram matrix: L L^T = C A A^T C / D.

    z = L xi with xi ~ N(0, 1)^{(n-1) x 3} has the joint law over frames of random projections of
    activations (n, D), and r is never formed: one read of A, so layers of a million units are
    fine. L sums the root of the steps' Gram matrix, so that even steps that are tiny beside the
    activations keep their digits, and with them the action.

    Raises ValueError for fewer than two frames and for activations that are not finite.
    """
    values, vectors = np.linalg.eigh(_step_gram(activations))
    steps = vectors * np.sqrt(values.clip(min=0))
    positions = np.concatenate([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)])
    return positions - positions.mean(axis=0)


def draw_trajectories(root: NDArray, *, draws: int, seed: int) -> NDArray[np.float32]:
    """Trajectories (draws, n, 3) with the law of random projections, from their `root` (n, n').

    More draws from the same seed repeat the first ones.
    """
    noise = np.random.default_rng(seed).standard_normal(
        (draws * AXES, root.shape[1]), dtype=np.float32
    )
    return _frames_second(noise @ root.T.astype(np.float32))


def projection(dimensions: int, *, draw: int, seed: int) -> NDArray[np.float32]:
    """Matrix r (dimensions, 3) of one draw of `seeded_projections`, entries N(0, 1/dimensions)."""
    noise = np.empty((AXES, dimensions), dtype=np.float32)
    _fill_normal(noise, draw, seed)
    return noise.T / np.sqrt(np.float32(dimensions))


def seeded_projections(activations: NDArray, *, draws: int, seed: int) -> NDArray[np.float32]:
    """Trajectories (draws, n, 3) of explicit projections of activations (n, D).

    Draw i is (A - A.mean(axis=0)) @ projection(D, draw=i, seed=seed), whatever `draws` is. Takes
    a copy of A and 3 D normals a draw; where r itself isn't needed, `trajectory_root` is faster.

    Raises ValueError for fewer than two frames.
    """
    frames, dimensions = _checked(activations).shape
    scaled = np.empty((frames, dimensions), dtype=np.float32)
    for columns, block in _column_blocks(activations):
        mean = block.mean(axis=0, dtype=np.float64).astype(block.dtype)
        scaled[:, columns] = (block - mean) / np.sqrt(np.float32(dimensions))
    batch = min(draws, max(1, BATCH_ENTRIES // (AXES * dimensions)))
    noise = np.empty((batch, AXES, dimensions), dtype=np.float32)
    trajectories = np.empty((draws, frames, AXES), dtype=np.float32)
    for start in range(0, draws, batch):
        part = noise[: draws - start]
        for offset, single in enumerate(part):
            _fill_normal(single, start + offset, seed)
        product = part.reshape(-1, dimensions) @ scaled.T
        trajectories[start : start + batch] = _frames_second(product)
    return trajectories


def explained_input_variance(trajectories: NDArray, position: NDArray) -> NDArray[np.float64]:
    """R^2 (draws,) of the dot's position (n, 2) read out from trajectories (draws, n, 3).

    Ordinary least squares with intercept, R^2 averaged over both coordinates; independent noise
    gives 3 / (n - 1). Paper A plots it (fig. 6d) and leaves out its definition; this is ours.

    Raises ValueError when a coordinate of the position is constant.
    """
    return _coordinate_r2(trajectories, position).mean(axis=-1)


def explained_correlation(trajectories: NDArray, position: NDArray) -> NDArray[np.float64]:
    """Correlation (draws,) of the dot's position (n, 2) with trajectories (draws, n, 3).

    The multiple correlation, the root of a coordinate's R^2, averaged over both coordinates.
    Paper A's supplement speaks of "the correlation between inputs and the projection" (section 1,
    make_plots.py) and section 2.5 doesn't define it; this is our reading.

    Raises ValueError when a coordinate of the position is constant.
    """
    return np.sqrt(_coordinate_r2(trajectories, position)).mean(axis=-1)


def unit_variance_scale(activations: NDArray) -> float:
    """Factor that brings activations (n, D) to a total variance over frames, 1 / (n - 1), of 1.

    The action scales with its square: relative action = scale^2 * action, the same for c A as for
    A. NaN for activations that don't vary: they have no relative action.

    Raises ValueError for fewer than two frames.
    """
    total = sum(
        block.var(axis=0, dtype=np.float64, ddof=1).sum()
        for _, block in _column_blocks(_checked(activations))
    )
    return float(total**-0.5) if total > 0 else float("nan")


def roughness(activations: NDArray) -> float:
    """Expected action over expected variance of a trajectory's three axes, from (n, D).

    1/2 |dA|_F^2 / tr cov(A), covariance over frames with divisor n - 1, dt = 1: D and the scale of
    A cancel, so that layers compare. White noise has n - 1; a circle in the long run pi^2 * 2 / n.
    It is paper A's eq. 4 (see `expected_action`) over the variance that the same r gives z.

    NaN for activations that don't vary. Raises ValueError for fewer than two frames.
    """
    steps, total, scale = 0.0, 0.0, binary_scale(_checked(activations))
    for _, block in _column_blocks(activations):
        steps += np.sum((np.diff(block, axis=0) / scale) ** 2, dtype=np.float64)
        total += block.var(axis=0, dtype=np.float64, ddof=1).sum()
    return float(steps * scale**2 / 2 / total) if total > 0 else float("nan")


def trajectory_roughness(trajectories: NDArray) -> NDArray[np.float64]:
    """Action over the variance, summed over axes, of each of the trajectories (draws, n, 3).

    Divisor n - 1, dt = 1; NaN for a trajectory that doesn't move.
    """
    variance = trajectories.var(axis=-2, dtype=np.float64, ddof=1).sum(axis=-1)
    still = np.full_like(variance, np.nan)
    return np.divide(action(trajectories), variance, out=still, where=variance > 0)


def smooth_code_action(alpha: float) -> float:
    """Action 1/2 zeta(-alpha) of a code with variances i^alpha; inf for alpha >= -1.

    Paper A's theory curve (supplement, section 2.5): infinitely many variances, the first of 1.
    """
    return 0.5 * float(zeta(-alpha)) if alpha < -1 else float("inf")


def _checked(activations: NDArray) -> NDArray:
    if activations.ndim != 2 or activations.shape[0] < 2 or activations.shape[1] < 1:
        raise ValueError(f"needs (frames >= 2, units >= 1), has the shape {activations.shape}")
    return activations


def _column_blocks(activations: NDArray) -> Iterator[tuple[slice, NDArray]]:
    """Blocks of columns, float64 if the activations are, else float32."""
    dtype = np.float64 if activations.dtype == np.float64 else np.float32
    for start in range(0, activations.shape[1], COLUMNS):
        columns = slice(start, start + COLUMNS)
        yield columns, activations[:, columns].astype(dtype, copy=False)


def _step_gram(activations: NDArray) -> NDArray[np.float64]:
    """dA dA^T / D, (n - 1, n - 1), of the steps between frames."""
    frames, dimensions = _checked(activations).shape
    gram, scale = np.zeros((frames - 1, frames - 1)), binary_scale(activations)
    for _, block in _column_blocks(activations):
        steps = np.diff(block, axis=0) / scale
        gram += steps @ steps.T
    return gram * scale**2 / dimensions


def _fill_normal(out: NDArray[np.float32], draw: int, seed: int) -> None:
    rng = np.random.Generator(np.random.SFC64([seed, draw]))  # numpy's fastest
    rng.standard_normal(dtype=np.float32, out=out)


def _frames_second(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """(draws * 3, n) to a contiguous (draws, n, 3)."""
    return np.ascontiguousarray(rows.reshape(-1, AXES, rows.shape[1]).transpose(0, 2, 1))


def _coordinate_r2(trajectories: NDArray, position: NDArray) -> NDArray[np.float64]:
    """R^2 (draws, 2) of each coordinate."""
    target = position - np.mean(position, axis=0, dtype=np.float64)
    power = np.sum(target**2, axis=0)
    if not (power > 0).all():
        raise ValueError(f"a coordinate of the position is constant: sums of squares {power}")
    centred = trajectories - np.mean(trajectories, axis=-2, keepdims=True, dtype=np.float64)
    basis, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    # directions made of rounding alone would pass for explanations
    rounding = np.finfo(trajectories.dtype).eps * trajectories.shape[-2]
    basis *= (sizes > rounding * sizes[..., :1])[..., None, :]
    explained = np.einsum("dni,nc->dic", basis, target, optimize=True)
    return np.sum(explained**2, axis=-2) / power
