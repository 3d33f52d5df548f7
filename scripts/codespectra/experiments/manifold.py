"""Most exciting images on a map of their similarity, and how far apart a direction's lie (B §3.4).

The map is a t-SNE of the metric's dissimilarities as they stand. LPIPS is therefore taken as the
lpips package gives it, as in paper B, although it is itself the square of a distance between
embeddings: t-SNE squares what it is given and sets each image's scale by the perplexity.
"""

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE

from codespectra.directions.directions import Directions
from codespectra.directions.read_out import unit_rows
from codespectra.errors import UserError
from codespectra.interpretability.index import Index, candidates, index_table
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Similarity

# t-SNE looks at three times as many neighbours as its perplexity.
NEIGHBOURS = 3


def check_perplexity(perplexity: float, count: int, layer: str) -> None:
    """Refuse a map of too few images.

    Raises:
        UserError: the perplexity isn't below a third of the `count` images.
    """
    if NEIGHBOURS * perplexity >= count:
        raise UserError(
            f"interpretability.manifold.perplexity: {perplexity:g} needs more than "
            f"{NEIGHBOURS * perplexity:g} images, but the most exciting ones of layer {layer} are "
            f"{count}; set it below {count / NEIGHBOURS:.3g}, or raise index.m"
        )


def embed(
    similarity: Similarity, images: np.ndarray, *, perplexity: float, seed: int
) -> np.ndarray:
    """Places (U, 2) float32 of images (U,) on the map: t-SNE from a random start.

    Its axes and unit of length mean nothing, and another seed gives another map.
    """
    distances = similarity.self_similarity - similarity.matrix(images)[ALL]
    tsne = TSNE(metric="precomputed", init="random", perplexity=perplexity, random_state=seed)
    return tsne.fit_transform(distances)


def spread(places: np.ndarray, images: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean distance on the map over the pairs of each set of images (S, M): (S,).

    Paper B's sparsity is its opposite: a sparse direction is active in one spot (B fig. 6 C, D).

    Args:
        places: of the images, (U, 2).
        images: on the map, sorted (U,).
        sets: each direction's most exciting images.
    """
    first, second = np.triu_indices(sets.shape[1], k=1)
    spots = places[np.searchsorted(images, sets)]
    return np.linalg.norm(spots[:, first] - spots[:, second], axis=-1).mean(axis=1)


def activity(activations: np.ndarray, vector: np.ndarray, temperature: float) -> np.ndarray:
    """exp(-d' / temperature) (U,) of images: d' is the z-score over them of |x - mu|^2 (B eq. 4).

    Args:
        activations: x (U, D), brought to unit length, so that neurons and centroids compare.
        vector: mu (D,): a centroid, or one-hot for a neuron.
        temperature: tau, without unit.
    """
    distance = np.square(unit_rows(activations) - vector).sum(axis=1, dtype=np.float64)
    scored = (distance - distance.mean()) / distance.std()
    return np.exp(-scored / temperature)


def spread_table(
    found: dict[str, Directions], index: Index, images: np.ndarray, maps: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Spread of the most exciting images of every live direction on maps.

    Args:
        found: the layer's directions by method; none is two-sided.
        index: how many images a direction has.
        images: on the maps, sorted (U,).
        maps: places (U, 2) of the images by name of the column.

    Returns:
        method, direction and a column a map.
    """
    tables = []
    for method, directions in found.items():
        live = candidates(directions, index.m)
        spreads = {name: spread(places, images, live.lists) for name, places in maps.items()}
        tables.append(pd.DataFrame({"method": method, "direction": live.direction} | spreads))
    return pd.concat(tables)


def unit_table(
    found: dict[str, Directions],
    similarities: list[Similarity],
    index: Index,
    spreads: pd.DataFrame,
) -> pd.DataFrame:
    """II of every direction by each whole metric, beside its images' spread on maps.

    Args:
        found: the layer's directions by method; none is two-sided.
        similarities: metrics that hold all images.
        index: how pairs are averaged.
        spreads: as `spread_table` has them.

    Returns:
        method, metric, direction, state, ii and a column a map; missing unless `live`.
    """
    scores = index_table(found, similarities, index)
    scores = scores[scores["part"] == ALL].drop(columns=["part", "sign"])
    return scores.merge(spreads, on=["method", "direction"], how="left")


def best_directions(units: pd.DataFrame, metric: str) -> dict[str, int]:
    """The live direction of each method with the highest II by `metric`, the first of equals."""
    scores = units[units["metric"] == metric].dropna(subset="ii")
    best = scores.loc[scores.groupby("method", sort=False)["ii"].idxmax()]
    return dict(zip(best["method"], best["direction"].astype(int), strict=True))


def activity_table(
    found: dict[str, Directions],
    shown: dict[str, int],
    activations: np.ndarray,
    images: np.ndarray,
    temperature: float,
) -> pd.DataFrame:
    """Activity of one direction a method at each image: method, direction, image, activity.

    Args:
        found: the layer's directions by method.
        shown: which of them.
        activations: of the images, (U, D).
        images: (U,).
        temperature: of `activity`.
    """
    tables = []
    for method, direction in shown.items():
        values = activity(activations, found[method].vectors[direction], temperature)
        head = {"method": method, "direction": direction}
        tables.append(pd.DataFrame(head | {"image": images, "activity": values}))
    return pd.concat(tables, ignore_index=True)
