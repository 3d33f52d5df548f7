"""Preprocessing: stored uint8 images resized, cropped and normalised for a network."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


class Preprocess:
    """uint8 (N, H, H, 3) -> float32 (N, 3, side, side): [0, 1], resize, crop, (x - mean) / std."""

    def __init__(self, settings: dict[str, Any], device: torch.device):
        """Take a config's `preprocessing` section: side, resize, interpolation, mean, std."""
        self.resize = settings.get("resize") or settings["side"]
        self.side = settings["side"] or self.resize
        self.interpolation = settings.get("interpolation", "bilinear")
        self.device = device
        self.mean = torch.tensor(settings["mean"], device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(settings["std"], device=device).view(1, 3, 1, 1)

    def __call__(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Return a channels-last batch, which convolutions run fastest on."""
        return self.normalise(self.pixels(images))

    def pixels(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Resized pixels in [0, 1], not yet normalised.

        Arrays are resized by Pillow, as the libraries of networks do, in 8 bits; tensors by torch,
        which follows gradients, and rounds nothing.
        """
        eight_bits = isinstance(images, np.ndarray) and images.dtype == np.uint8
        if eight_bits and self.resize is not None and self.resize != images.shape[-2]:
            images = self._by_pillow(images)
        pixels = torch.as_tensor(images).to(self.device).permute(0, 3, 1, 2)
        pixels = pixels.to(torch.float32, memory_format=torch.channels_last) / 255
        if self.resize is not None and self.resize != pixels.shape[-1]:
            pixels = self._by_torch(pixels)
        return self._cropped(pixels)

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """(x - mean) / std of pixels (N, 3, H, W)."""
        return (pixels - self.mean) / self.std

    def _by_pillow(self, images: np.ndarray) -> np.ndarray:
        size, method = (self.resize, self.resize), FILTERS[self.interpolation]
        return np.stack([np.asarray(Image.fromarray(x).resize(size, method)) for x in images])

    def _by_torch(self, pixels: torch.Tensor) -> torch.Tensor:
        smooth = self.interpolation != "nearest"
        return functional.interpolate(
            pixels,
            (self.resize, self.resize),
            mode=self.interpolation if smooth else "nearest-exact",
            antialias=smooth,
            align_corners=False if smooth else None,
        ).clamp(0, 1)

    def _cropped(self, pixels: torch.Tensor) -> torch.Tensor:
        """The middle, rounded as torchvision does."""
        if self.side is None or self.side == pixels.shape[-1]:
            return pixels
        first = round((pixels.shape[-1] - self.side) / 2)
        cut = slice(first, first + self.side)
        return pixels[:, :, cut, cut].contiguous(memory_format=torch.channels_last)
