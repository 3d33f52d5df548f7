"""How much an image is like one side's references rather than the other's (B eq. 2)."""

import numpy as np


def pooled_preference(similarities: np.ndarray, pool: str) -> np.ndarray:
    """Similarity to the positive references, less that to the negative ones if there are any.

    Args:
        similarities: of each image to its references, (U, 1 or 2 sides, R).
        pool: `min`, the nearest reference counts (eq. 2); `mean`, all alike.
    """
    values = similarities.astype(np.float64)
    if pool == "min":
        pooled = values.max(axis=-1)
        return pooled[:, 0] - pooled[:, 1:].sum(axis=1)
    # Sums first: those of labels are whole numbers, so that ties stay ties.
    pooled = values.sum(axis=-1)
    return (pooled[:, 0] - pooled[:, 1:].sum(axis=1)) / values.shape[-1]
