"""How well finders of directions recover a planted dictionary, and whether the index sees it.

A found dictionary is scored by mean max cosine similarity (MMCS; Sharkey et al. 2022): over planted
features, of each with the direction nearest to it, which is what they call so; and over directions,
of each with the feature nearest to it. The Interpretability Index has a stand-in that knows the
truth: the images of a direction are as alike as the planted features of its most exciting rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from codespectra.directions import baselines, finders
from codespectra.directions.directions import Directions, neurons
from codespectra.directions.sparse_autoencoder import (
    AutoencoderRecipe,
    SparseAutoencoders,
    autoencoder_directions,
    scaled_rows,
    train_autoencoders,
)
from codespectra.interpretability.index import Index, index_table
from codespectra.interpretability.similarity import Embedding
from codespectra.theory.planted_features import RECTIFIED, Planted

# Of NMF and ICA at most, converged or not: 200 double the time, and NMF's MMCS stays within .01.
ITERATIONS = 50
STARTS = 3  # of K-Means
QUANTILES = 2001  # of the integral of chance


class Dictionary(NamedTuple):
    """Directions that a finder found; `size` and `l1` are None where it takes none."""

    method: str
    size: int | None
    l1: float | None
    found: Directions


def dictionaries(
    planted: Planted,
    *,
    atoms: str,
    sizes: Sequence[int],
    penalties: Sequence[float],
    training: dict[str, float],
    seed: int,
) -> Iterator[Dictionary]:
    """What every finder finds in planted activations, by the code that looks at networks.

    Units, PCA, ICA and K-Means from the units give as many directions as there are units; the
    others one dictionary a size, and sparse autoencoders one a size and penalty. NMF takes
    rectified atoms alone.

    Args:
        planted: the activations.
        atoms: what its atoms are.
        sizes: numbers of directions.
        penalties: of the autoencoders.
        training: their epochs, batch and learning_rate.
        seed: of all finders.
    """
    rows = planted.activations
    for method, find in _of_units(rows, seed).items():
        yield Dictionary(method, None, None, find())
    for size in sizes:
        for method, find in _of_size(rows, size, seed).items():
            if atoms == RECTIFIED or method != "nmf":
                yield Dictionary(method, size, None, find())
        trained = autoencoders(rows, size, penalties=penalties, seed=seed, **training)
        for l1, found in zip(penalties, trained, strict=True):
            yield Dictionary("sae", size, l1, found)


def _of_units(rows: NDArray, seed: int) -> dict[str, Callable[[], Directions]]:
    """Finders of as many directions as units."""
    k = rows.shape[1]
    return {
        "neurons": lambda: neurons(rows),
        "pca": lambda: baselines.pca(rows, k=k),
        "ica": lambda: baselines.ica(rows, k=k, iterations=ITERATIONS, seed=seed),
        "kmeans_identity": lambda: finders.kmeans_identity(rows, readout="cosine"),
    }


def _of_size(rows: NDArray, k: int, seed: int) -> dict[str, Callable[[], Directions]]:
    """Finders of k directions, without a penalty."""
    return {
        "kmeans": lambda: finders.kmeans(rows, k=k, starts=STARTS, readout="cosine", seed=seed),
        "kmeans_code": lambda: baselines.kmeans_code(rows, k=k, starts=STARTS, seed=seed),
        "nmf": lambda: baselines.nmf(rows, k=k, iterations=ITERATIONS, seed=seed),
        "random": lambda: finders.random(rows, k=k, seed=seed),
        "exemplar": lambda: finders.exemplar(rows, k=k, seed=seed),
    }


def autoencoders(
    rows: NDArray, size: int, *, penalties: Sequence[float], seed: int, **training: Any
) -> list[Directions]:
    """Directions (Z, D) of a sparse autoencoder of activations (N, D) for each penalty.

    They are trained on the CPU.
    """
    torch.manual_seed(seed)
    networks = SparseAutoencoders(rows.shape[1], size, len(penalties))
    recipe = AutoencoderRecipe(
        penalties=penalties, seed=seed, identity="planted", section="theory.planted", **training
    )
    train_autoencoders(networks, scaled_rows(rows, torch.device("cpu")), recipe, None)
    return [autoencoder_directions(networks, rows, at) for at in range(len(penalties))]


def scores(planted: Planted, found: Sequence[Directions], m: int) -> list[dict[str, float]]:
    """MMCS both ways, its chance level, and the index, of each dictionary's live directions.

    Returns:
        directions: how many are live. dead: how many aren't. mmcs: over planted features.
        mmcs_found: over directions. chance: `mmcs` of as many random directions. ii: mean index
        over directions, from `m` rows each. rank_correlation: Spearman's rho over directions of
        their index with their largest cosine. Missing where no direction is live.
    """
    indices = planted_index(planted.features, found, m)
    return [_score(planted, *one) for one in zip(found, indices, strict=True)]


def _score(planted: Planted, found: Directions, index: NDArray) -> dict[str, float]:
    live = ~found.dead
    counts = {"directions": int(live.sum()), "dead": int(found.dead.sum())}
    if not live.any():
        missing = ("mmcs", "mmcs_found", "chance", "ii", "rank_correlation")
        return counts | dict.fromkeys(missing, np.nan)
    nearest = largest_cosines(found.vectors, planted.dictionary, two_sided=found.two_sided)
    return counts | {
        "mmcs": mmcs(planted.dictionary, found.vectors[live], two_sided=found.two_sided),
        "mmcs_found": float(nearest[live].mean()),
        "chance": chance_mmcs(
            counts["directions"], found.vectors.shape[1], two_sided=found.two_sided
        ),
        "ii": float(np.nanmean(index)) if np.isfinite(index).any() else np.nan,
        "rank_correlation": _rank_correlation(index, nearest),
    }


def mmcs(vectors: NDArray, others: NDArray, *, two_sided: bool = False) -> float:
    """Mean over vectors (A, D) of the largest cosine with any of the others (B, D)."""
    return float(largest_cosines(vectors, others, two_sided=two_sided).mean())


def largest_cosines(
    vectors: NDArray, others: NDArray, *, two_sided: bool = False
) -> NDArray[np.float64]:
    """The largest cosine (A,) of each vector (A, D) with any of the others (B, D).

    A vector of length 0 has a cosine of 0 with all. Directions that are `two_sided` count as
    whichever of their signs is nearer.
    """
    cosines = _unit(vectors) @ _unit(others).T
    return (np.abs(cosines) if two_sided else cosines).max(axis=1)


def _unit(vectors: NDArray) -> NDArray[np.float64]:
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def chance_mmcs(count: int, width: int, *, two_sided: bool = False) -> float:
    """Expected MMCS of any dictionary with `count` isotropic directions of `width` units.

    The cosine c of a vector and an isotropic direction has (1 + c) / 2 as Beta((D-1)/2, (D-1)/2),
    and the largest of K has the K-th power of that distribution function. Of one unit the cosine
    is 1 or -1.
    """
    if width == 1:
        return 1.0 if two_sided else 1 - 2.0 ** (1 - count)
    half = (width - 1) / 2
    cosines = np.linspace(0 if two_sided else -1, 1, QUANTILES)
    below = stats.beta.cdf((1 + cosines) / 2, half, half)
    below = 2 * below - 1 if two_sided else below
    return float(1 - np.trapezoid(below**count, cosines))


def planted_index(
    features: NDArray, found: Sequence[Directions], m: int
) -> list[NDArray[np.float64]]:
    """Index (K,) of each direction: mean cosine of the planted features (N, F) of its top m rows.

    By the code of the Interpretability Index, with the cosine of features as the similarity of
    images; nan where that has none.
    """
    # The index of an embedding is minus the squared distance: cosine - 1 of rows of this length.
    rows = _unit(features) / np.sqrt(2)
    cosine = Embedding("cosine", {"features": rows.astype(np.float32)})
    table = index_table({str(at): one for at, one in enumerate(found)}, [cosine], Index(m))
    table = table[table["part"] == "features"]
    return [1 + own["ii"].to_numpy() for _, own in table.groupby("method", sort=False)]


def _rank_correlation(index: NDArray, cosines: NDArray) -> float:
    known = np.isfinite(index)
    if known.sum() < 3 or np.ptp(index[known]) == 0 or np.ptp(cosines[known]) == 0:
        return np.nan
    return float(stats.spearmanr(index[known], cosines[known]).statistic)
