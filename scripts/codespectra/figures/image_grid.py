"""Rows of images in one panel: most exciting images, strongest first."""

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes


def draw_image_rows(panel: Axes, rows: list[list[np.ndarray]], labels: list[str]) -> None:
    """Draw equally long rows of uint8 images (H, W, 3), each with a label to its left."""
    framed = [np.concatenate([_framed(image) for image in row], axis=1) for row in rows]
    panel.imshow(np.concatenate(framed), interpolation="nearest")
    height = len(framed[0])
    panel.set_yticks([height * (index + 0.5) for index in range(len(rows))], labels)
    panel.set_xticks([])
    panel.tick_params(length=0)
    sns.despine(ax=panel, left=True, bottom=True)


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=255)
