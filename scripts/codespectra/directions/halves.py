"""Units below and above the median II, each half a space of its own (B fig. 3 right)."""

import h5py
import numpy as np

from codespectra.capture.rows import Rows
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


class UnitColumns:
    """Some units (U,) of a dataset of activations (N, D), read block by block."""

    dtype = np.dtype(np.float32)

    def __init__(self, activations: h5py.Dataset, units: np.ndarray):
        """Take the dataset and the units' places."""
        self._activations, self._units = activations, units
        self.shape = (len(activations), len(units))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._activations[rows][:, self._units].astype(self.dtype)


def half_directions(
    activations: Rows, units: np.ndarray, *, starts: int, readout: str, seed: int
) -> dict[str, Directions]:
    """Units (U,) of a layer (N, D) themselves, and as many K-Means centroids of their activations.

    Raises:
        UserError: fewer stimuli than units excite any of them.
    """
    held = isinstance(activations, np.ndarray)
    own = activations[:, units] if held else UnitColumns(activations, units)
    kmeans = finders.kmeans(own, k=len(units), starts=starts, readout=readout, seed=seed)
    return {"neurons": neurons(own), "kmeans": kmeans}
