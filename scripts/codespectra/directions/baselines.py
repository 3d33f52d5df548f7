"""Direction finders that paper B compares K-Means with (§3.2), and K-Means as its code has it."""

import logging
import warnings

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import NMF, PCA, FastICA
from sklearn.exceptions import ConvergenceWarning

from codespectra.capture.rows import binary_scale
from codespectra.directions.directions import DEAD_SPREAD, Directions
from codespectra.directions.read_out import alike_for_equal
from codespectra.errors import UserError

LEAST_LENGTH = 1e-6  # that a row is divided by, in paper B's code; rows are below 2 here

log = logging.getLogger("codespectra")


def pca(activations: np.ndarray, *, k: int) -> Directions:
    """Principal components, largest variance first, with the projections on them.

    There are fewer than k where centred activations (N, D) span fewer dimensions.

    Raises:
        UserError: k is more than N - 1 or D, or the activations are constant.
    """
    components, scores = _principal(activations, k, "pca")
    return Directions(_single(components), _single(scores), two_sided=True)


def ica(activations: np.ndarray, *, k: int, iterations: int, seed: int) -> Directions:
    """Independent components (FastICA, parallel, log cosh) of the first k principal ones.

    Vectors are the rows of the unmixing matrix, of unit length; responses are the projections of
    centred activations (N, D) on them. Whitening is in float64 and the iterations in float32, twice
    as fast; constant units and others without a dimension of their own are whitened away, so there
    may be fewer than k.

    Raises:
        UserError: k is more than N - 1 or D, or the activations are constant.
    """
    components, scores = _principal(activations, k, "ica")
    spread = scores.std(axis=0)
    search = FastICA(whiten=False, max_iter=iterations, random_state=seed)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        search.fit(_single(scores / spread))
    if search.n_iter_ >= iterations:
        _not_converged("ica", iterations)
    rotation = search.components_ / spread
    rotation /= np.linalg.norm(rotation, axis=1, keepdims=True)
    return Directions(_single(rotation @ components), _single(scores @ rotation.T), two_sided=True)


def nmf(activations: np.ndarray, *, k: int, iterations: int, seed: int) -> Directions:
    """Parts of a nonnegative matrix factorisation of activations (N, D), with their codes.

    scikit-learn's coordinate descent from a random start about as large as the activations. Codes
    are those of its `transform`, which starts from zero: those of the descent itself keep some of
    their start where parts are alike, but a stimulus' code should follow from its activations.
    Parts have unit length, and codes the scale: activations are about responses @ vectors. A part
    that adds no more than rounding is dead: its codes are zero.

    Raises:
        UserError: an activation is negative.
    """
    if (lowest := activations.min()) < 0:
        raise UserError(
            f"directions.methods.nmf: activations go down to {lowest:.3g}, but NMF takes none "
            "below 0; take layers that end with a ReLU, or leave nmf out"
        )
    rng, scale = np.random.default_rng(seed), np.float32(binary_scale(activations))
    rows = activations / scale
    size = np.sqrt(rows.mean(dtype=np.float64) / k) or 1  # the descent needs no zeros to start from
    codes, parts = (
        _single(size * np.abs(rng.standard_normal(shape)))
        for shape in ((len(rows), k), (k, rows.shape[1]))
    )
    search = NMF(k, init="custom", max_iter=iterations)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        search.fit(rows, W=codes, H=parts)
        codes, parts = alike_for_equal(search.transform, rows), search.components_
    if search.n_iter_ >= iterations:
        _not_converged("nmf", iterations)
    lengths = np.linalg.norm(parts, axis=1)
    codes *= lengths
    codes[:, np.linalg.norm(codes, axis=0) <= DEAD_SPREAD * np.linalg.norm(rows)] = 0
    return Directions(parts / np.where(lengths > 0, lengths, 1)[:, None], codes * scale)


def kmeans_code(activations: np.ndarray, *, k: int, starts: int, seed: int) -> Directions:
    """K-Means as in paper B's code: Euclidean on unit rows, its centroids not of unit length.

    Read out by minus the distance (B eq. 6) of the rows that were clustered.

    Raises:
        UserError: k is larger than the number of stimuli.
    """
    if k > len(activations):
        raise UserError(
            f"directions.methods.kmeans_code.k: {k} is more than {len(activations)} stimuli; "
            "lower it"
        )
    rows = activations / np.float32(binary_scale(activations))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), LEAST_LENGTH)
    fit = MiniBatchKMeans(k, n_init=starts, random_state=seed).fit(rows)
    return Directions(fit.cluster_centers_, -alike_for_equal(fit.transform, rows))


def _principal(activations: np.ndarray, k: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit components (R, D) and scores (N, R) in float64, R the lower of k and the rank."""
    count, width = activations.shape
    if k > (most := min(count - 1, width)):
        raise UserError(
            f"directions.methods.{method}.k: {k} is more than the {most} that {count} stimuli in "
            f"{width} units allow; lower it"
        )
    solver = "covariance_eigh" if count > width else "full"
    fit, exact = PCA(k, svd_solver=solver), activations.astype(np.float64)
    scores = fit.fit_transform(exact)
    # Rounding of float32 activations adds less than this to a singular value.
    floor = np.finfo(np.float32).eps * np.linalg.norm(exact)
    rank = int((fit.singular_values_ > floor).sum())
    if rank == 0:
        raise UserError(f"directions.methods.{method}: all units are constant; leave the layer out")
    if rank < k:
        log.warning("%s: %d of %d directions; activations span no more", method, rank, k)
    return fit.components_[:rank], scores[:, :rank]


def _not_converged(method: str, iterations: int) -> None:
    log.warning(
        "%s: not converged in %d iterations; raise directions.methods.%s.iterations",
        method,
        iterations,
        method,
    )


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)
