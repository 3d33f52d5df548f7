"""Activations whose eigenspectrum is known."""

import numpy as np


def planted(n: int, width: int, alpha: float = -1.0, seed: int = 0) -> np.ndarray:
    """Gaussian rows with variances rank ** alpha in a random basis, and means like ReLU's."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((width, width)))[0]
    deviations = np.arange(1, width + 1) ** (alpha / 2)
    rows = (rng.standard_normal((n, width)) * deviations) @ turn
    return (rows + rng.random(width)).astype(np.float32)
