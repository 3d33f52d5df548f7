"""Eigenvectors as filters (paper A, fig. 3d; methods §2): what in an image a component looks at.

Two views: the first convolution's kernels weighted by an eigenvector over its channels, and for any
layer the mean input gradient of the projection on an eigenvector. Neither is a natural image; both
have the colour channels last, are signed, and vanish where the component looks at nothing.
"""

from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.jobs.progress import progress
from codespectra.models.hooks import Wanted, run_to_layers
from codespectra.spectra import eigenspectrum

ROWS = 1024  # activations read at a time
PASS = 8  # images whose graph is in memory at once: 64 of a ViT-B take gigabytes


def eigenvectors(
    rows: eigenspectrum.Rows,
    ranks: list[int],
    *,
    solver: eigenspectrum.Solver = "exact",
    seed: int = 0,
) -> np.ndarray:
    """Principal components (len(ranks), D) float32 of the column-centred rows, unit norm.

    From the scores S of `eigenspectrum.spectrum`: the columns of A^T S, of which a QR decomposition
    takes what rounding left of the leading ones. The weight of largest magnitude is positive.
    A rank that the rows don't have (beyond N - 1 or D, or without variance) is nan.

    Args:
        rows: (N, D) activations.
        ranks: 1-based.
        solver: of `eigenspectrum.spectrum`.
        seed: of `eigenspectrum.spectrum`.
    """
    scores = eigenspectrum.spectrum(
        rows, components=max(ranks), scores=max(ranks), solver=solver, seed=seed
    ).scores
    shift = rows[:ROWS].mean(axis=0, dtype=np.float64)
    products, variance = np.zeros((rows.shape[1], scores.shape[1])), np.zeros(scores.shape[1])
    for start in range(0, len(rows), ROWS):
        own = scores[start : start + ROWS]
        products += (rows[start : start + ROWS] - shift).T @ own
        variance += np.square(own, dtype=np.float64).sum(axis=0)
    components = np.linalg.qr(products)[0].T
    components *= np.sign(_largest(components))[:, None]
    components[variance <= eigenspectrum.NOISE_FLOOR * variance[0]] = np.nan
    found = np.full((len(ranks), rows.shape[1]), np.nan, np.float32)
    for place, rank in enumerate(ranks):
        if rank <= len(components):
            found[place] = components[rank - 1]
    return found


def _largest(components: np.ndarray) -> np.ndarray:
    """Of each row the weight of largest magnitude."""
    return np.take_along_axis(components, np.abs(components).argmax(1)[:, None], 1)[:, 0]


def first_convolution(
    network: nn.Module, layers: list[dict[str, Any]]
) -> tuple[nn.Conv2d | None, set[str]]:
    """The convolution that sees the image, and names of the layers that hold its channels.

    Those are its own output and what follows before another convolution or linear layer mixes
    channels: normalisation, nonlinearity, pooling. Without such a convolution: None and no name.

    Args:
        network: takes RGB images.
        layers: all of them, as `architectures.describe_layers` lists them, in running order.
    """
    modules = dict(network.named_modules())
    mixing = [x for x in layers if isinstance(modules[x["module"]], nn.Conv2d | nn.Linear)]
    first = modules[mixing[0]["module"]] if mixing else None
    if not isinstance(first, nn.Conv2d) or first.weight.shape[1] != 3:
        return None, set()
    start, stop = (x["depth"] for x in [*mixing, {"depth": len(layers)}][:2])
    held = [x for x in layers[start:stop] if x["axes"] == "NCHW"]
    return first, {x["name"] for x in held if x["shape"][0] == first.out_channels}


def channel_means(
    network: nn.Module,
    preprocess: Preprocess,
    images: h5py.Dataset,
    layers: list[dict[str, Any]],
    *,
    batch: int,
) -> dict[str, np.ndarray]:
    """Spatially averaged channels (N, C) float32 of each layer by name, for images (N, H, W, 3)."""
    means: dict[str, list[np.ndarray]] = {layer["name"]: [] for layer in layers}

    def keep(item: Wanted, values: torch.Tensor) -> None:
        means[item.layer["name"]].append(values.cpu().numpy())

    network.eval()
    wanted = [Wanted(layer, "spatial_mean") for layer in layers]
    with torch.inference_mode():
        for start in progress(range(0, len(images), batch), desc="channels"):
            run_to_layers(network, preprocess(images[start : start + batch]), wanted, keep)
    return {name: np.concatenate(parts) for name, parts in means.items()}


def kernel_filters(convolution: nn.Conv2d, components: np.ndarray) -> np.ndarray:
    """sum_c v_c W_c, (ranks, k, k, 3) float32: kernels weighted by eigenvectors (ranks, C).

    In units of the convolution's own, normalised, input.
    """
    kernels = convolution.weight.detach().cpu().numpy()
    return np.einsum("rc,cihw->rhwi", components, kernels).astype(np.float32)


def gradient_filters(
    network: nn.Module,
    preprocess: Preprocess,
    images: np.ndarray,
    wanted: list[Wanted],
    components: dict[str, np.ndarray],
    *,
    batch: int,
) -> dict[str, np.ndarray]:
    """Mean over images of d(v . a(x)) / dx, (ranks, H, W, 3) float32 by layer name.

    x are pixels from 0 to 1 at the stimuli's own size, before resizing and normalisation; a is the
    layer as `capture` reduces it. One forward pass a batch serves all layers, and one
    vector-Jacobian product a layer and rank the whole batch. The network is set to evaluation
    and its weights to no gradient.

    Args:
        network: takes RGB images.
        preprocess: of that network.
        images: (N, H, W, 3) uint8.
        wanted: the layers and how they are reduced.
        components: v by layer name, (ranks, D); a nan row gives a nan filter.
        batch: images a pass, of which at most PASS are taken.
    """
    batch = min(batch, PASS)
    network.eval().requires_grad_(False)
    reduced: dict[str, torch.Tensor] = {}

    def keep(item: Wanted, values: torch.Tensor) -> None:
        reduced[item.layer["name"]] = values

    sums = {name: np.zeros((len(v), *images.shape[1:])) for name, v in components.items()}
    for start in progress(range(0, len(images), batch), desc="gradients"):
        pixels = torch.tensor(images[start : start + batch], dtype=torch.float32)
        run_to_layers(network, preprocess(pixels.requires_grad_()), wanted, keep)
        for name, values in reduced.items():
            sums[name] += 255 * _batch_gradients(values, components[name], pixels)
    return {name: (total / len(images)).astype(np.float32) for name, total in sums.items()}


def _batch_gradients(
    values: torch.Tensor, components: np.ndarray, pixels: torch.Tensor
) -> np.ndarray:
    """Sum over a batch of d(v . values) / d pixels, (ranks, H, W, 3)."""
    found = np.full((len(components), *pixels.shape[1:]), np.nan)
    for index in np.flatnonzero(np.isfinite(components[:, 0])):
        direction = torch.as_tensor(components[index], device=values.device).expand_as(values)
        gradient = torch.autograd.grad(values, pixels, direction, retain_graph=True)[0]
        found[index] = gradient.sum(dim=0, dtype=torch.float64).numpy()
    return found


def frequency_centroid(image: np.ndarray, grid: tuple[int, int] | None = None) -> float:
    """Mean spatial frequency of a filter (H, W, 3), weighted by power; cycles per filter's side.

    Small for a coarse, global filter, large for an intricate one; nan for a missing one. With
    `grid`, the size of the layer's map, frequencies are folded at its sampling rate: a strided
    layer repeats its pattern on a fine grid of pixels, and only the folded frequency tells how
    coarse the pattern is.
    """
    size = image.shape[:2]
    power = (np.abs(np.fft.fft2(image, axes=(0, 1))) ** 2).mean(axis=2)
    vertical, horizontal = (
        (np.arange(side) + fold // 2) % fold - fold // 2
        for side, fold in zip(size, np.minimum(size, grid or size), strict=True)
    )
    radius = np.hypot(vertical[:, None], horizontal)
    total = power.sum()
    return float((radius * power).sum() / total) if total > 0 else float("nan")
