"""Activations as analyses read them: an array or an HDF5 dataset, slab by slab."""

import h5py
import numpy as np

Rows = np.ndarray | h5py.Dataset

SLAB = 2**23  # numbers read at a time: 32 MB of float32
