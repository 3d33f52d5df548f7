"""Input gradients of f_v(x) = -|y^(x) - v| for every direction v of a path (B eq. 7).

y^ = y / |y| is the layer's activation brought to unit length, and v a unit vector. Then
grad f_v = grad(y^ . v) / |y^ - v|, and the cosine's gradient is linear in v: along a path
v = w_a mu_a + w_b mu_b two vector-Jacobian products an image give the norm for every v.

f_v has no gradient where y^ = v: like any distance, it has a kink there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.jobs.progress import progress
from codespectra.models.hooks import Wanted, run_to_layers

# Distances |y^ - v| below this are y^ = v: single precision tells no direction in what is left.
EPSILON = 1e-3
# Numbers of the gradients held at once; it bounds the images of a pass, which is held too.
GRADIENT_NUMBERS = 1 << 22


@dataclass(frozen=True)
class Slopes:
    """Cosines of Q images, each to the two ends of its path, and their input gradients."""

    cosines: np.ndarray  # (Q, 2)
    products: np.ndarray  # (Q, 2, 2), inner products of the cosines' gradients

    def norms(self, weights: np.ndarray) -> np.ndarray:
        """|grad f_v| (Q, T) of the unit vectors v with weights (Q, T, 2) of the ends.

        Per unit of pixels from 0 to 1; nan where v is missing and where |y^ - v| < `EPSILON`.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            squares = np.einsum("qti,qij,qtj->qt", weights, self.products, weights)
            distances = np.sqrt(2 - 2 * np.einsum("qti,qi->qt", weights, self.cosines))
            norms = np.sqrt(np.maximum(squares, 0)) / distances
            return np.where(distances >= EPSILON, norms, np.nan)


def cosine_slopes(
    network: nn.Module,
    preprocess: Preprocess,
    images: h5py.Dataset | np.ndarray,
    wanted: Wanted,
    vectors: np.ndarray,
    shown: np.ndarray,
    ends: np.ndarray,
    *,
    batch: int,
) -> Slopes:
    """Cosines of images to directions and the inner products of their gradients.

    x are pixels from 0 to 1 at the stimuli's own size, before resizing and normalisation. The
    network runs up to the layer, once an image, and back once for each of the image's distinct
    directions. It is set to evaluation and its weights to no gradient.

    Args:
        network: takes RGB images.
        preprocess: of that network.
        images: (N, H, W, 3) uint8.
        wanted: the layer and how it is reduced.
        vectors: directions (K, D), brought to unit length here.
        shown: which images, (Q,).
        ends: which two directions each, (Q, 2).
        batch: images a pass, at most.
    """
    network.eval().requires_grad_(False)
    units = torch.as_tensor(vectors, dtype=torch.float64, device=preprocess.device)
    units = units / units.norm(dim=1, keepdim=True)
    slopes = Slopes(np.empty(ends.shape), np.empty((len(ends), 2, 2)))
    rows = _rows_by_value(shown)
    used = {image: np.unique(ends[those]) for image, those in rows.items()}
    with progress(total=len(rows), desc="gradients") as bar:
        for chosen in _batches(used, int(np.prod(images.shape[1:])), batch):
            pictures = np.stack([images[image] for image in chosen])
            covectors = torch.stack([units[used[image]] for image in chosen])
            cosines, products = _products(network, preprocess, pictures, wanted, covectors)
            for image, own_cosines, own_products in zip(chosen, cosines, products, strict=True):
                places = np.searchsorted(used[image], ends[rows[image]])
                slopes.cosines[rows[image]] = own_cosines[places]
                slopes.products[rows[image]] = own_products[places[:, :, None], places[:, None]]
            bar.update(len(chosen))
    return slopes


def _rows_by_value(values: np.ndarray) -> dict[int, np.ndarray]:
    """Rows of each distinct value."""
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    return dict(zip(distinct.tolist(), np.split(order, starts[1:]), strict=True))


def _batches(used: dict[int, np.ndarray], pixels: int, most: int) -> Iterator[list[int]]:
    """Batches of images that have equally many directions."""
    groups: dict[int, list[int]] = {}
    for image, directions in used.items():
        groups.setdefault(len(directions), []).append(image)
    for count, group in sorted(groups.items()):
        size = min(most, max(1, GRADIENT_NUMBERS // (pixels * count)))
        yield from (group[start : start + size] for start in range(0, len(group), size))


def _products(
    network: nn.Module,
    preprocess: Preprocess,
    pictures: np.ndarray,
    wanted: Wanted,
    covectors: torch.Tensor,
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines (B, R) to each image's own unit vectors (B, R, D), and their gradients' (B, R, R)."""
    pixels = torch.tensor(pictures, dtype=torch.float32, device=preprocess.device)
    values = layer_values(network, wanted, preprocess(pixels.requires_grad_())).double()
    units = values / values.norm(dim=1, keepdim=True)
    gradients = [
        torch.autograd.grad(units, pixels, covectors[:, place], retain_graph=True)[0].flatten(1)
        for place in range(covectors.shape[1])
    ]
    stacked = 255 * torch.stack(gradients, dim=1).double()
    cosines = torch.einsum("brd,bd->br", covectors, units.detach())
    return cosines.cpu().numpy(), (stacked @ stacked.mT).cpu().numpy()


def layer_values(network: nn.Module, wanted: Wanted, inputs: torch.Tensor) -> torch.Tensor:
    """A layer's output, reduced as captured, (batch, width); layers after it aren't run."""
    found = []
    run_to_layers(network, inputs, [wanted], lambda _, values: found.append(values))
    return found[0]
