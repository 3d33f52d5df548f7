"""Curves in space as figures show them: along their main axes."""

import numpy as np


def main_axes(curve: np.ndarray) -> np.ndarray:
    """A curve (n, 3) along its two main axes, (n, 2), scaled so that the largest is 1."""
    centred = curve - curve.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    return flat / np.abs(flat).max()
