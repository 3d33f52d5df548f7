"""How stable the responses of directions are when noise is added to the images.

Of a direction: the correlation over images of its responses with and without noise, and the share
of its M most exciting images that are still among its M most exciting ones.
"""

from collections.abc import Sequence
from functools import partial

import h5py
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.experiments.robustness_measures import CORRELATION, KEPT
from codespectra.jobs.progress import progress
from codespectra.models.hooks import Wanted, run_to_layers
from codespectra.statistics.rank_correlation import spearman_rows
from codespectra.statistics.ranking import strongest_inside

# Images whose noise is drawn together: `runtime.batch` mustn't change it.
BATCH = 100

# Activations (N, D) by strength of the noise and layer.
Noisy = dict[float, dict[str, NDArray[np.float32]]]
# By strength, each measure (1 + draws, K) of `stability`: on all images, then on each subset.
Measured = dict[float, dict[str, NDArray[np.float64]]]


def noisy_activations(
    network: nn.Module,
    preprocess: Preprocess,
    images: h5py.Dataset | np.ndarray,
    wanted: list[Wanted],
    strengths: Sequence[float],
    seed: int,
) -> Noisy:
    """Activations of images with Gaussian noise on each pixel, the same noise at each strength.

    Noise is added to the pixels that the network sees, from 0 to 1, and what leaves that range is
    clipped.

    Args:
        network: in evaluation mode.
        preprocess: of that network.
        images: (N, H, W, 3) uint8.
        wanted: layers and how they are reduced.
        strengths: standard deviations of the noise, in pixels from 0 to 1.
        seed: of the noise.
    """
    found: dict[float, dict[str, list[np.ndarray]]] = {
        strength: {item.layer["name"]: [] for item in wanted} for strength in strengths
    }
    with torch.inference_mode():
        for start in progress(range(0, len(images), BATCH), desc="noisy images"):
            pixels = preprocess.pixels(images[start : start + BATCH])
            drawn = np.random.default_rng([seed, start]).standard_normal(pixels.shape, np.float32)
            noise = torch.as_tensor(drawn, device=pixels.device)
            for strength, layers in found.items():
                shown = preprocess.normalise((pixels + strength * noise).clamp(0, 1))
                run_to_layers(network, shown, wanted, partial(_keep, layers))
    return {
        strength: {name: np.concatenate(rows) for name, rows in layers.items()}
        for strength, layers in found.items()
    }


def _keep(layers: dict[str, list[np.ndarray]], item: Wanted, rows: torch.Tensor) -> None:
    layers[item.layer["name"]].append(rows.cpu().numpy())


def stability(
    clean: np.ndarray, noisy: np.ndarray, held: np.ndarray, m: int
) -> dict[str, NDArray[np.float64]]:
    """Both measures of each direction on each subset of the images: (subsets, K).

    Args:
        clean: responses (N, K) to the images as they are.
        noisy: responses (N, K) to the same images with noise.
        held: which images each subset holds, (subsets, N).
        m: of the most exciting images.
    """
    best, still = (_strongest(responses, held, m) for responses in (clean, noisy))
    kept = (best[..., :, None] == still[..., None, :]).any(axis=-1).mean(axis=-1)
    return {CORRELATION: correlations(clean, noisy, held), KEPT: kept}


def stability_table(ii: np.ndarray, measured: Measured, **labels: str) -> pd.DataFrame:
    """A row a direction and strength: labels, direction, ii (K,), strength, correlation, kept."""
    tables = [
        pd.DataFrame(
            labels
            | {"direction": np.arange(len(ii)), "ii": ii, "strength": strength}
            | {measure: values[0] for measure, values in found.items()}
        )
        for strength, found in measured.items()
    ]
    return pd.concat(tables, ignore_index=True)


def rank_correlations(ii: np.ndarray, measured: Measured, **labels: str) -> pd.DataFrame:
    """Spearman's rho of the II (K, draws) with each measure in each draw, over the directions.

    Over those that have both in every draw.

    Returns:
        The labels, strength, measure, draw, rho.
    """
    tables = []
    for strength, found in measured.items():
        for measure, values in found.items():
            drawn = values[1:]
            known = np.isfinite(ii).all(axis=1) & np.isfinite(drawn).all(axis=0)
            rho = np.full(len(drawn), np.nan)
            if known.any():
                rho = spearman_rows(ii[known].T, drawn[:, known])
            where = labels | {"strength": strength, "measure": measure}
            tables.append(pd.DataFrame(where | {"draw": np.arange(len(rho)), "rho": rho}))
    return pd.concat(tables, ignore_index=True)


def correlations(first: np.ndarray, second: np.ndarray, held: np.ndarray) -> NDArray[np.float64]:
    """Pearson's correlation of columns (N, K) over each subset of the rows: (subsets, K).

    Missing where a column is constant.
    """
    # About the mean of all rows, so that no sum of squares is mostly that of the mean.
    a, b = (values - values.mean(axis=0, dtype=np.float64) for values in (first, second))
    inside = held.astype(np.float64)
    count = inside.sum(axis=1)[:, None]

    def covariance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return inside @ (x * y) / count - (inside @ x) * (inside @ y) / count**2

    with np.errstate(invalid="ignore", divide="ignore"):
        found = covariance(a, b) / np.sqrt(covariance(a, a) * covariance(b, b))
    found[:, (np.ptp(first, axis=0) == 0) | (np.ptp(second, axis=0) == 0)] = np.nan
    return np.clip(found, -1, 1)


def _strongest(responses: np.ndarray, held: np.ndarray, m: int) -> NDArray[np.int64]:
    """Images (subsets, K, m) that excite each direction most within each subset."""
    lists, places = strongest_inside(responses, held, m)
    return lists[np.arange(len(lists))[None, :, None], places]
