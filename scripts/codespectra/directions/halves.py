"""Units below and above the median II, each half a space of its own (B fig. 3 right)."""

import numpy as np

from codespectra.directions import finders
from codespectra.directions.directions import Directions, neurons
from codespectra.errors import UserError

HALVES = ("lower", "upper")


def split_at_median(ii: np.ndarray, layer: str) -> dict[str, np.ndarray]:
    """Units of the `lower` and of the `upper` half by their II (K,); those without an II in none.

    Of equal units the first is lower; of an odd number the middle one is upper.

    Raises:
        UserError: fewer than 2 units of the layer have an II.
    """
    order = np.argsort(ii, kind="stable")[: np.isfinite(ii).sum()]
    if len(order) < 2:
        raise UserError(
            f"layer {layer}: {len(order)} of {len(ii)} neurons have an II, two halves need at "
            "least 2; keep neurons among directions.methods, or leave the layer out"
        )
    middle = len(order) // 2
    return dict(zip(HALVES, map(np.sort, (order[:middle], order[middle:])), strict=True))


def half_directions(
    activations: np.ndarray, units: np.ndarray, *, starts: int, readout: str, seed: int
) -> dict[str, Directions]:
    """Units (U,) of a layer (N, D) themselves, and as many K-Means centroids of their activations.

    Raises:
        UserError: fewer stimuli than units excite any of them.
    """
    own = activations[:, units]
    kmeans = finders.kmeans(own, k=len(units), starts=starts, readout=readout, seed=seed)
    return {"neurons": neurons(own), "kmeans": kmeans}
