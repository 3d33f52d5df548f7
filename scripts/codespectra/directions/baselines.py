"""Direction finders that paper B compares K-Means with (§3.2), and K-Means as its code has it."""

import logging
import warnings

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA, FastICA
from sklearn.exceptions import ConvergenceWarning

from codespectra.capture.rows import Rows, binary_scale
from codespectra.directions.directions import DEAD_SPREAD, Directions, Encoder
from codespectra.directions.encode import directions_of
from codespectra.directions.finders import at_most_stimuli
from codespectra.directions.nonnegative import check_nonnegative, factorise, nonnegative_code
from codespectra.errors import ArgumentError
from codespectra.spectra.moments import covariance
from codespectra.statistics.arrays import rows_to_read, whole_number
from codespectra.statistics.row_blocks import row_blocks, rows_at

MOST_NUMBERS = 1 << 27  # of the rows that ICA, NMF and scikit-learn's K-Means look at: 512 MiB
LEAST_LENGTH = 1e-6  # that a row is divided by, in paper B's code; rows are below 2 here

log = logging.getLogger("codespectra")


def pca(activations: np.ndarray, *, k: int) -> Directions:
    """Principal components, largest variance first, with the projections on them.

    There are fewer than k where centred activations (N, D) span fewer dimensions.

    Raises:
        ArgumentError: k is more than N - 1 or D, or the activations are constant.
    """
    activations = rows_to_read(activations, "activations")
    components, mean = _principal(activations, k, "pca")
    return directions_of(activations, components, Encoder("dot", mean=mean), two_sided=True)


def ica(activations: np.ndarray, *, k: int, iterations: int, seed: int) -> Directions:
    """Independent components (FastICA, parallel, log cosh) of the first k principal ones.

    Vectors are the rows of the unmixing matrix, of unit length; responses are the projections of
    centred activations (N, D) on them. Whitening is in float64 and the iterations in float32, twice
    as fast; constant units and others without a dimension of their own are whitened away, so there
    may be fewer than k.

    Raises:
        ArgumentError: k is more than N - 1 or D, or the activations are constant.
    """
    activations = rows_to_read(activations, "activations")
    rows = _held(activations, seed, "ica")
    components, mean = _principal(rows, k, "ica")
    scores = (rows - mean) @ components.T
    spread = scores.std(axis=0)
    search = FastICA(whiten=False, max_iter=iterations, random_state=seed)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        search.fit(_single(scores / spread))
    if search.n_iter_ >= iterations:
        _not_converged("ica", iterations)
    rotation = search.components_ / spread
    rotation /= np.linalg.norm(rotation, axis=1, keepdims=True)
    vectors = rotation @ components
    return directions_of(activations, vectors, Encoder("dot", mean=mean), two_sided=True)


def nmf(activations: np.ndarray, *, k: int, iterations: int, seed: int) -> Directions:
    """Parts of a nonnegative matrix factorisation of activations (N, D), with their codes.

    scikit-learn's coordinate descent from a random start about as large as the activations. Codes
    are `nonnegative_code`s of the parts, which start from zero: those of the descent itself keep
    some of their start where parts are alike, but a stimulus' code should follow from its
    activations. The sweeps that all stimuli needed make the code of any other.
    Parts have unit length, and codes the scale: activations are about responses @ vectors. A part
    that adds no more than rounding is dead: its codes are zero.

    Raises:
        ArgumentError: an activation is negative.
    """
    activations = rows_to_read(activations, "activations")
    check_nonnegative(activations)
    k = whole_number(k, "k")
    rows = _held(activations, seed, "nmf")
    rng, scale = np.random.default_rng(seed), np.float32(binary_scale(rows))
    rows = _single(rows / scale)
    size = np.sqrt(rows.mean(dtype=np.float64) / k) or 1  # the descent needs no zeros to start from
    codes, parts = (
        _single(size * np.abs(rng.standard_normal(shape)))
        for shape in ((len(rows), k), (k, rows.shape[1]))
    )
    _, parts, descended = factorise(rows, codes, parts, iterations)
    lengths = np.linalg.norm(parts, axis=1)
    parts = parts / np.where(lengths > 0, lengths, 1)[:, None]
    codes, sweeps = nonnegative_code(rows, parts, iterations)
    dead = np.linalg.norm(codes, axis=0) <= DEAD_SPREAD * np.linalg.norm(rows)
    live = np.where(dead[:, None], 0, parts) if dead.any() else None
    if dead.any():
        codes, sweeps = nonnegative_code(rows, live, iterations)
    if descended >= iterations:
        _not_converged("nmf", iterations)
    encoder = Encoder("nonnegative", weights=live, sweeps=sweeps)
    if len(rows) < activations.shape[0]:
        return directions_of(activations, parts, encoder)
    return Directions(parts, _single(codes * scale), two_sided=False, encoder=encoder)


def kmeans_code(activations: np.ndarray, *, k: int, starts: int, seed: int) -> Directions:
    """K-Means as in paper B's code: Euclidean on unit rows, its centroids not of unit length.

    Read out by minus the distance (B eq. 6) of the rows that were clustered.

    Raises:
        ArgumentError: k is larger than the number of stimuli.
    """
    activations = rows_to_read(activations, "activations")
    rows = _held(activations, seed, "kmeans_code")
    k = at_most_stimuli(k, rows)
    scale = binary_scale(rows)
    rows = rows / np.float32(scale)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), LEAST_LENGTH)
    fit = MiniBatchKMeans(k, n_init=starts, random_state=seed).fit(rows)
    encoder = Encoder("neg_distance", shortest=LEAST_LENGTH * scale)
    return directions_of(activations, fit.cluster_centers_, encoder)


def _held(activations: Rows, seed: int, method: str) -> np.ndarray:
    """Activations as an array: of all stimuli or, where these are too many, of some of them."""
    count, most = activations.shape[0], max(1, MOST_NUMBERS // activations.shape[1])
    if count > most:
        log.warning("%s: found on %d of %d stimuli, drawn by chance", method, most, count)
        drawn = np.random.default_rng(seed).choice(count, most, replace=False)
        activations = rows_at(activations, np.sort(drawn))
    return activations[:].astype(np.promote_types(activations.dtype, np.float32), copy=False)


def _principal(activations: Rows, k: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Components (R, D) in float64, the lower R of k and the rank, and the mean (D,)."""
    count, width = activations.shape
    if whole_number(k, "k") > (most := min(count - 1, width)):
        raise ArgumentError(
            f"k: {k} is more than the {most} that {count} stimuli in {width} units allow; lower it"
        )
    if count > width:
        lower, mean = covariance(activations, np.float64)
        variances, components = np.linalg.eigh(lower)
        variances, components = variances[::-1][:k], components.T[::-1][:k]
        largest = np.abs(components).argmax(axis=1)[:, None]
        components = components * np.sign(np.take_along_axis(components, largest, axis=1))
    else:
        fit = PCA(k, svd_solver="full").fit(activations[:].astype(np.float64))
        variances, components, mean = fit.explained_variance_, fit.components_, fit.mean_
    blocks = row_blocks(activations)
    squares = sum(np.einsum("nd,nd->", x, x, dtype=np.float64) for _, x in blocks)
    # Rounding of float32 activations adds less than this to a singular value.
    floor = np.finfo(np.float32).eps ** 2 * squares / (count - 1)
    rank = int((variances > floor).sum())
    if rank == 0:
        raise ArgumentError("activations: all units are constant; leave the layer out")
    if rank < k:
        log.warning("%s: %d of %d directions; activations span no more", method, rank, k)
    return components[:rank], mean


def _not_converged(method: str, iterations: int) -> None:
    log.warning("%s: not converged in %d iterations; raise iterations", method, iterations)


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)
