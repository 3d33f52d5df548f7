"""A residual block whose layers are known without in-place operations, and images for it."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from codespectra.data.preprocessing import Preprocess

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)


def preprocess_to(side: int | None = None) -> Preprocess:
    return Preprocess({"side": side, "mean": MEAN, "std": STD}, torch.device("cpu"))


def some_images(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


class Residual(nn.Module):
    """One in-place ReLU that runs twice, between convolutions, and a head that isn't needed."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.second, self.relu = nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(inplace=True)
        self.head = nn.Linear(6, 4)
        self.norm.running_mean[:] = torch.linspace(-0.3, 0.3, 6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        before = self.relu(self.norm(self.first(images)))
        return self.head(self.relu(self.second(before) + before).mean(dim=(2, 3)))

    def plainly(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The layers of one image without in-place operations."""
        normed = self.norm(self.first(image))
        before = functional.relu(normed)
        second = self.second(before)
        return {
            "norm": normed,
            "relu:0": before,
            "second": second,
            "relu:1": functional.relu(second + before),
        }
