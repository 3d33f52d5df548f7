"""How alike the images of a set are: by mean colour, by label, by perceptual embedding (B §2.2).

Higher is more alike everywhere. Sets come as (sets, members) arrays of row indices.
"""

import numpy as np

# Numbers that are gathered and centred at once: few enough to stay in the cache.
BLOCK_NUMBERS = 1 << 16


def mean_color(images: np.ndarray) -> np.ndarray:
    """Mean RGB in [0, 1] of uint8 images (N, H, W, 3): (N, 3) float64."""
    return images.mean(axis=(1, 2), dtype=np.float64) / 255


def color_similarity(colors: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean over a set's pairs of -|mean RGB difference|, (sets,)."""
    first, second = np.triu_indices(sets.shape[1], k=1)
    members = colors[sets]
    return -np.linalg.norm(members[:, first] - members[:, second], axis=-1).mean(axis=1)


def label_similarity(labels: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Share of a set's pairs with equal labels, (sets,)."""
    first, second = np.triu_indices(sets.shape[1], k=1)
    members = labels[sets]
    return (members[:, first] == members[:, second]).mean(axis=1)


def embedding_similarity(embeddings: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean over a set's pairs of -|e_i - e_j|^2, (sets,), from centred rows in closed form.

    The mean over pairs is 2 / (M - 1) times the summed squared distance to the set's mean; no
    distance between two images is ever formed.
    """
    count = sets.shape[1]
    scores = np.empty(len(sets))
    block = max(1, BLOCK_NUMBERS // (count * embeddings.shape[1]))
    for start in range(0, len(sets), block):
        rows = embeddings[sets[start : start + block]].astype(np.float32)
        rows -= rows.mean(axis=1, keepdims=True)
        squares = np.einsum("smd,smd->s", rows, rows, dtype=np.float64)
        scores[start : start + block] = -2 / (count - 1) * squares
    return scores
