"""Clarity, polysemanticity and redundancy of directions (Dreyer et al. 2025, Semantic Lens).

All three are of a direction's most exciting images, by the cosines of their embeddings.
"""

import numpy as np

from codespectra.interpretability.cosines import Cosines

# Steps of 2-means at most; some twenty images settle in a few.
STEPS = 50


def clarity(cosines: np.ndarray) -> np.ndarray:
    """Mean cosine (S,) over the pairs of images of each set, from all their cosines (S, M, M)."""
    first, second = np.triu_indices(cosines.shape[1], k=1)
    return cosines[:, first, second].mean(axis=1, dtype=np.float64)


def polysemanticity(cosines: np.ndarray) -> np.ndarray:
    """1 - the cosine (S,) of the centres of two clusters of each set's unit embeddings.

    2-means from the two images that are least alike, by their cosines (S, M, M) alone. Images that
    are all the same make one cluster: 0.
    """
    cosines = cosines.astype(np.float64)
    count = cosines.shape[1]
    far = cosines.reshape(len(cosines), -1).argmin(axis=1)
    sets = np.arange(len(cosines))
    second = cosines[sets, far % count] > cosines[sets, far // count]
    for _ in range(STEPS):
        shares, with_centres, products = _centres(cosines, second)
        lengths = products[:, [0, 1], [0, 1]]
        distances = lengths[:, :, None] - 2 * with_centres
        nearer = (distances[:, 1] < distances[:, 0]) & np.any(shares[:, 1], axis=1)[:, None]
        if np.array_equal(nearer, second):
            break
        second = nearer
    _, _, products = _centres(cosines, second)
    lengths = np.sqrt(products[:, 0, 0] * products[:, 1, 1])
    return 1 - np.divide(products[:, 0, 1], lengths, out=np.ones(len(sets)), where=lengths > 0)


def _centres(cosines: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, ...]:
    """Images' shares in two means (S, 2, M), and the means' products with images and each other."""
    members = np.stack([~second, second], axis=1).astype(np.float64)
    shares = members / np.maximum(members.sum(axis=2, keepdims=True), 1)
    with_centres = shares @ cosines
    return shares, with_centres, with_centres @ shares.swapaxes(1, 2)


def redundancy(cosines: Cosines, sets: np.ndarray) -> np.ndarray:
    """Largest cosine (S,) of a set's mean unit embedding to another's; nan of a single set."""
    if len(sets) < 2:
        return np.full(len(sets), np.nan)
    found = cosines.of_means(sets)
    np.fill_diagonal(found, -np.inf)
    return found.max(axis=1).astype(np.float64)
