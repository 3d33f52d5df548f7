"""Directions from centroid to centroid and beyond, and the images nearest to them (B §3.5).

Activations y are brought to unit length, y^ = y / |y|, as for the clustering. Of raw ones the
nearest to any unit direction would always be the same few: those of the smallest |y|.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from codespectra.errors import UserError
from codespectra.interpretability.index import Index
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.ranking import strongest

# Where a direction is missing: instead of the index of an image.
NO_IMAGE = -1
# A weighted sum of two unit vectors that is shorter than this has no direction.
LEAST_LENGTH = 1e-6
# Of a centroid's gradients, over its own images.
NORMS = ["least_gradient_norm", "mean_gradient_norm"]


@dataclass(frozen=True)
class Paths:
    """v(t) = t mu_a + (1 - t) mu_b, of unit length (B eq. 5): a path from each centroid a.

    Paths are numbered by a = 0..K-1. A path and its reverse are both there if b's partner is a.
    """

    distances: np.ndarray  # (K, K), of all centroids
    partner: np.ndarray  # (K,), b of each a
    t: np.ndarray  # (T,), ascending, with 0 (mu_b) and 1 (mu_a)
    weights: np.ndarray  # (K, T, 2) of mu_a and mu_b in v(t), nan where opposite ones cancel

    def place(self, t: float) -> int:
        """Which point of the grid is nearest to t; of two, the first."""
        return int(np.abs(self.t - t).argmin())


def path_grid(first: float, last: float, steps: int) -> np.ndarray:
    """`steps` values of t, evenly spaced from first to last, and 0 and 1 if not among them."""
    grid = np.linspace(first, last, steps)
    return np.unique(np.round([*grid, 0, 1], 12)) + 0.0  # a negative zero is made positive


def centroid_distances(centroids: np.ndarray) -> np.ndarray:
    """|mu_a - mu_b| of centroids (K, D), brought to unit length: (K, K) float64."""
    exact = centroids.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    return cdist(exact, exact)


def farthest_partners(distances: np.ndarray) -> np.ndarray:
    """Partner of each centroid, another one, with the largest sum of distances (K, K): (K,).

    A maximal assignment (Hungarian algorithm) with the diagonal forbidden. It may have cycles.

    Raises:
        UserError: there is one centroid only.
    """
    if len(distances) < 2:
        raise UserError(
            "interpretability.sensitivity.method: 1 centroid, at least 2 are needed for a path; "
            "name a method with a larger k"
        )
    allowed = distances.copy()
    np.fill_diagonal(allowed, -np.inf)
    return linear_sum_assignment(allowed, maximize=True)[1]


def find_paths(centroids: np.ndarray, t: np.ndarray) -> Paths:
    """The path of each centroid (K, D) to its farthest partner, at t (T,).

    Raises:
        UserError: there is one centroid only.
    """
    distances = centroid_distances(centroids)
    partner = farthest_partners(distances)
    distance = distances[np.arange(len(partner)), partner]
    squares = 1 - t * (1 - t) * distance[:, None] ** 2
    lengths = np.sqrt(np.maximum(squares, 0))
    lengths[lengths < LEAST_LENGTH] = np.nan
    weights = np.stack(np.broadcast_arrays(t, 1 - t), axis=-1) / lengths[..., None]
    return Paths(distances, partner, t, weights)


def nearest_images(cosines: np.ndarray, paths: Paths, count: int) -> np.ndarray:
    """Images of the largest -|y^ - v(t)| (B eq. 6), which are those of the largest cosine.

    The cosine to v(t) is the weighted sum of those to its ends. An image without any activation
    has cosine 0 to everything.

    Args:
        cosines: of images to centroids, (N, K) float32.
        paths: between the centroids.
        count: M.

    Returns:
        (K, T, M), nearest first, ties to the lowest index; `NO_IMAGE` where v(t) is missing.

    Raises:
        UserError: there are fewer images than M.
    """
    if count > len(cosines):
        raise UserError(f"count: {count} is more than the {len(cosines)} stimuli; lower it")
    by_centroid = np.ascontiguousarray(cosines.T)
    found = np.full((*paths.weights.shape[:2], count), NO_IMAGE)
    for a, (b, weights) in enumerate(zip(paths.partner, paths.weights, strict=True)):
        known = np.isfinite(weights[:, 0])
        of_a, of_b = weights[known].astype(np.float32).T[:, :, None]
        # No matrix product: its roundings depend on an image's place and would break ties.
        found[a, known] = strongest(of_a * by_centroid[a] + of_b * by_centroid[b], count)
    return found


def index_along(images: np.ndarray, similarity: Similarity, index: Index) -> np.ndarray:
    """Interpretability Index (K, T) of the images (K, T, M), nan where there are none."""
    known = images[..., 0] != NO_IMAGE
    means = similarity.within(images[known])[ALL]
    found = np.full(known.shape, np.nan)
    found[known] = index.of_pairs(means, similarity.self_similarity)
    return found


def cross_similarity(sets: np.ndarray, similarity: Similarity) -> np.ndarray:
    """Mean similarity of the images of one set with those of another, (K, K), of sets (K, M).

    An image that two sets share counts with its similarity to itself.
    """
    images, places = np.unique(sets, return_inverse=True)
    places = places.reshape(sets.shape)
    alike = similarity.matrix(images)[ALL]
    to_sets = alike[places].mean(axis=1, dtype=np.float64)
    return to_sets[:, places].mean(axis=-1)


@dataclass(frozen=True)
class Neighbours:
    """Pairs (Q,) of a path and a distinct image near any of its points, sorted by path."""

    path: np.ndarray  # (Q,)
    image: np.ndarray  # (Q,)
    rows: np.ndarray  # (K, T, M), which of the Q each point's images are, or `NO_IMAGE`

    @classmethod
    def of(cls, images: np.ndarray) -> "Neighbours":
        """From the images (K, T, M) nearest to the points of each path."""
        path = np.broadcast_to(np.arange(len(images))[:, None, None], images.shape)
        known, rows = images != NO_IMAGE, np.full(images.shape, NO_IMAGE)
        pairs = np.stack([path[known], images[known]], axis=1)
        distinct, rows[known] = np.unique(pairs, axis=0, return_inverse=True)
        paths, shown = distinct.T
        return cls(paths, shown, rows)

    def own(self, norms: np.ndarray) -> np.ndarray:
        """Gradient norms (Q, T) of f_v(t), picked at each point's own images: (K, T, M)."""
        found = norms[self.rows, np.arange(norms.shape[1])[:, None]]
        return np.where(self.rows == NO_IMAGE, np.nan, found)

    def of_place(self, norms: np.ndarray, place: int) -> np.ndarray:
        """Gradient norms (Q, T) of f_v(t), picked at one point's images all along: (K, T, M)."""
        return np.swapaxes(norms[self.rows[:, place]], 1, 2)


def mean_over_images(norms: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is defined; nan where nothing is."""
    return np.ma.masked_invalid(norms).mean(axis=-1).filled(np.nan)


def path_table(paths: Paths, columns: dict[str, np.ndarray], **labels: str) -> pd.DataFrame:
    """A row a point of a path: the labels, a, b, centroid_distance, t, and the columns (K, T)."""
    a, points = np.arange(len(paths.partner)), len(paths.t)
    head = {"a": a, "b": paths.partner, "centroid_distance": paths.distances[a, paths.partner]}
    rows = {name: np.repeat(values, points) for name, values in head.items()}
    rows["t"] = np.tile(paths.t, len(a))
    return pd.DataFrame(labels | rows | {name: each.ravel() for name, each in columns.items()})


def pair_table(paths: Paths, cross: np.ndarray, **labels: str) -> pd.DataFrame:
    """A row a pair a < b: the labels, a, b, distance, and cross_ii from `cross` (K, K)."""
    a, b = np.triu_indices(len(cross), k=1)
    rows = {"a": a, "b": b, "distance": paths.distances[a, b], "cross_ii": cross[a, b]}
    return pd.DataFrame(labels | rows)


def norm_table(norms: np.ndarray) -> pd.DataFrame:
    """`NORMS` of each centroid, from those of its gradients at its own images (K, M)."""
    found = np.fmin.reduce(norms, axis=1), mean_over_images(norms)
    return pd.DataFrame(dict(zip(NORMS, found, strict=True)))


def centroid_table(ii: np.ndarray, norms: pd.DataFrame, **labels: str) -> pd.DataFrame:
    """A row a centroid: the labels, direction, its ii (K,), and its row of `norm_table`."""
    rows = pd.DataFrame(labels | {"direction": np.arange(len(ii)), "ii": ii})
    return rows.join(norms.reset_index(drop=True))
