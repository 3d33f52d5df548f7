"""Where on its most exciting images a direction responds: maps of the layer before its reduction.

A map is the projection, on the direction's vector, of what the layer holds at each place.
"""

from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

from codespectra.data.preprocessing import Preprocess
from codespectra.jobs.progress import progress
from codespectra.models.hooks import run_to_layers

LEVELS = 15  # of a map: four bits


@dataclass(frozen=True)
class Places:
    """A layer whose outputs are kept at their places, (N, C, h, w), averaged down to `grid`."""

    layer: dict[str, Any]
    grid: tuple[int, int]

    def reduce(self, output: torch.Tensor) -> torch.Tensor:
        """Copy of an output of the layer's module, channels at places."""
        letters = self.layer["axes"]
        if "T" in letters:
            tokens = output.permute(*(letters.index(letter) for letter in "NCT"))
            tokens = tokens[:, :, self.layer["prefix"] :]
            side = round(tokens.shape[2] ** 0.5)
            output = tokens.reshape(*tokens.shape[:2], side, side)
        else:
            output = output.permute(*(letters.index(letter) for letter in "NCHW"))
        return adaptive_avg_pool2d(output, self.grid)


@dataclass
class Shown:
    """Directions (K, C) of a layer, the images shown of each (K, M), and their maps."""

    vectors: np.ndarray
    images: np.ndarray
    grid: tuple[int, int]
    maps: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Sort the places by image, to find those of one."""
        self.maps = np.zeros((*self.images.shape, *self.grid), dtype=np.float32)
        self._order = np.argsort(self.images, axis=None, kind="stable")
        self._sorted = self.images.ravel()[self._order]

    def add(self, image: int, places: np.ndarray) -> None:
        """Fill in the maps over one image, whose layer has `places` (C, h, w)."""
        first, last = np.searchsorted(self._sorted, [image, image + 1])
        rows, ranks = np.unravel_index(self._order[first:last], self.images.shape)
        projected = self.vectors[rows] @ places.reshape(len(places), -1)
        self.maps[rows, ranks] = projected.reshape(-1, *self.grid)


def fill_maps(
    network: nn.Module,
    preprocess: Preprocess,
    images: h5py.Dataset,
    shown: dict[str, list[Shown]],
    places: list[Places],
    *,
    batch: int,
) -> None:
    """Fill in all maps, in one forward pass of each image that is shown anywhere.

    Args:
        network, preprocess: of one subject, in evaluation mode.
        images: (N, H, W, 3) uint8.
        shown: by layer name.
        places: the same layers.
        batch: images a pass.
    """
    wanted = np.unique(np.concatenate([o.images.ravel() for own in shown.values() for o in own]))
    for start in progress(range(0, len(wanted), batch), desc="maps"):
        numbers = wanted[start : start + batch]

        def keep(item: Places, output: torch.Tensor, numbers: np.ndarray = numbers) -> None:
            grids = output.float().cpu().numpy()
            for one in shown[item.layer["name"]]:
                for number, grid in zip(numbers, grids, strict=True):
                    one.add(number, grid)

        with torch.inference_mode():
            run_to_layers(network, preprocess(images[numbers]), places, keep)


def four_bits(maps: np.ndarray) -> dict[str, np.ndarray]:
    """Maps (K, M, h, w) between each direction's lowest and highest place, two places a byte.

    Returns:
        levels: (K, ceil(M h w / 2)) uint8, the first place in the high bits; low, high: (K,).
    """
    rows = maps.reshape(len(maps), -1)
    low, high = rows.min(axis=1), rows.max(axis=1)
    width = np.where(high > low, high - low, 1)[:, None]
    levels = np.round((rows - low[:, None]) / width * LEVELS).astype(np.uint8)
    if levels.shape[1] % 2:
        levels = np.pad(levels, ((0, 0), (0, 1)))
    return {"levels": levels[:, ::2] << 4 | levels[:, 1::2], "low": low, "high": high}
