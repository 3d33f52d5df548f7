"""What K-Means asks of unit rows, by torch on a GPU; float32 is full float32 there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

COSINES = 2**26  # of a block of rows: 256 MB


def placed(rows: Any, device: torch.device) -> Any:
    """Rows (N, D) on the device, if they are an array; others are copied there as they are read."""
    import torch

    return torch.as_tensor(rows, device=device) if isinstance(rows, np.ndarray) else rows


def assign(
    rows: Any, centroids: NDArray[np.float32], device: torch.device
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
    """Labels (N,), cosines (N,) to the own centroid, and the sums (K, D) of each one's rows.

    Sums are products: additions in any order would differ from run to run.
    """
    import torch

    held = torch.as_tensor(centroids, device=device)
    sums, found = torch.zeros_like(held, dtype=torch.float64), []
    step = max(1, COSINES // len(held))
    for start in range(0, rows.shape[0], step):
        block = torch.as_tensor(rows[start : start + step], device=device)
        scores = block @ held.T
        nearest = scores.argmax(dim=1, keepdim=True)  # ties to the lowest
        found.append((nearest[:, 0], scores.gather(1, nearest)[:, 0]))
        members = scores.zero_().scatter_(1, nearest, 1)
        sums += members.T @ block
    labels, cosines = (torch.cat(part).cpu().numpy() for part in zip(*found, strict=True))
    return labels.astype(np.int32), cosines, sums.cpu().numpy()


def distances(chosen: Any, rows: Any) -> NDArray[np.float32]:
    """Half the squared distances (C, N) of chosen unit rows (C, D) to rows (N, D) on a device."""
    return (1 - chosen @ rows.T).clamp(min=0).cpu().numpy()
