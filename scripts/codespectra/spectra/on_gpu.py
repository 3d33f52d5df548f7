"""Products and eigenvalues of a spectrum on a GPU, in the precision of what is given.

float32 is full float32: TensorFloat-32 is off unless torch is told otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def products(rows: np.ndarray, device: torch.device) -> np.ndarray:
    """Inner products (D, D) of the columns of rows (N, D)."""
    import torch

    there = torch.as_tensor(rows, device=device)
    return (there.T @ there).cpu().numpy()


def eigen(
    lower: np.ndarray, leading: int, device: torch.device
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """All eigenvalues, the leading vectors (m, leading), the trace and the squared Frobenius norm.

    `lower` (m, m) is symmetric; its lower triangle is read.
    """
    import torch

    matrix = torch.as_tensor(np.ascontiguousarray(lower), device=device)
    if leading:
        values, vectors = torch.linalg.eigh(matrix)
        vectors = vectors.flip(1)[:, :leading].cpu().numpy()
    else:
        values, vectors = torch.linalg.eigvalsh(matrix), np.ones((len(lower), 0), lower.dtype)
    found = values.flip(0).cpu().numpy().astype(np.float64)
    return np.maximum(found, 0), vectors, float(found.sum()), float(found @ found)
