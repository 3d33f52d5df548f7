"""Names of the axes of HDF5 datasets: dimension scales, as netCDF4 and xarray read them."""

from collections.abc import Sequence

import h5py
import numpy as np


def name_axes(
    dataset: h5py.Dataset, names: Sequence[str], group: h5py.Group, *, first: int = 0
) -> None:
    """Name each axis of a dataset, by a scale of that name that counts along the axis.

    Args:
        dataset: in any group of an open file.
        names: one an axis.
        group: holds the scales, for all datasets in it and below it: the dataset's, or one above.
        first: what the scale of the first axis begins with, such as the first row of a shard.
    """
    for axis, (name, length) in enumerate(zip(names, dataset.shape, strict=True)):
        if name not in group:
            start = first if axis == 0 else 0
            group[name] = np.arange(start, start + length, dtype=np.int32)
            group[name].make_scale(name)
        dataset.dims[axis].attach_scale(group[name])
