"""Activations as analyses read them: an array or an HDF5 dataset, slab by slab."""

import h5py
import numpy as np

Rows = np.ndarray | h5py.Dataset

SLAB = 2**23  # numbers read at a time: 32 MB of float32


def stored_parts(rows: Rows) -> list[range]:
    """Ranges of rows that are stored together: each shard of a gathered dataset, or all rows."""
    if not getattr(rows, "is_virtual", False):
        return [range(len(rows))]
    bounds = [source.vspace.get_select_bounds() for source in rows.virtual_sources()]
    return sorted((range(first[0], last[0] + 1) for first, last in bounds), key=lambda r: r.start)
