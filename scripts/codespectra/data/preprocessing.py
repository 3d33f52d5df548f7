"""Preprocessing: stored uint8 images resized and normalised for a network."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional


class Preprocess:
    """uint8 (N, H, W, 3) -> float32 (N, 3, side, side): [0, 1], resize, (x - mean) / std."""

    def __init__(self, settings: dict[str, Any], device: torch.device):
        """Take a config's `preprocessing` section: side, mean, std."""
        self.side = settings["side"]
        self.device = device
        self.mean = torch.tensor(settings["mean"], device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(settings["std"], device=device).view(1, 3, 1, 1)

    def __call__(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Return a channels-last batch, which convolutions run fastest on."""
        return self.normalise(self.pixels(images))

    def pixels(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Resized pixels in [0, 1], not yet normalised."""
        pixels = torch.as_tensor(images).to(self.device).permute(0, 3, 1, 2)
        pixels = pixels.to(torch.float32, memory_format=torch.channels_last) / 255
        if self.side is not None and self.side != pixels.shape[-1]:
            size = (self.side, self.side)
            pixels = functional.interpolate(
                pixels, size, mode="bilinear", antialias=True, align_corners=False
            ).clamp(0, 1)
        return pixels

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """(x - mean) / std of pixels (N, 3, H, W)."""
        return (pixels - self.mean) / self.std
