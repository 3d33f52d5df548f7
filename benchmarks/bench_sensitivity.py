"""Nearest images of paths, and input gradients along them.

The network is the ResNet-50 of the CIFAR checkpoint with random weights, the layer its first
(256 units), the images crops of photographs.
"""

from collections.abc import Iterator

import numpy as np
import torch
from side_by_side import Row, compare, show

from codespectra.data import photographs
from codespectra.data.preprocessing import Preprocess
from codespectra.directions.kmeans import spherical_kmeans
from codespectra.directions.read_out import read_out, unit_rows
from codespectra.experiments import input_gradients, sensitivity
from codespectra.models import architectures
from codespectra.models.hooks import Wanted
from codespectra.models.layer_listing import inspect_layers
from codespectra.training.batchnorm import recalibrate

NETWORK = {"name": "pytorch_cifar10", "model": "resnet50"}
M, GRID = 5, sensitivity.path_grid(-0.5, 1.5, 21)
ROWS, WIDTH, CENTROIDS = 50_000, 256, 256
SETTINGS = {"side": None, "mean": (0.4914, 0.4822, 0.4465), "std": (0.2471, 0.2435, 0.2616)}
SHARE = 168  # one direction in so many is timed in the plain search
IMAGES = 4  # of the fixed path
WITHIN = 1e-4  # of a norm
# As many images a centroid as in the plain search; scattered pairs are timed on a sample of them.
SET, SET_CENTROIDS, SAMPLE, SAMPLE_SHARE = 6250, 32, 64, 8
SMALL = {
    "NETWORK": {"name": "bottleneck_resnet", "width": 4, "blocks": [1, 1, 1, 1], "stem_stride": 1},
    "ROWS": 200,
    "CENTROIDS": 5,
    "SHARE": 30,
    "SET": 130,
    "SET_CENTROIDS": 3,
    "SAMPLE": 4,
    "WITHIN": 1e-2,  # few units: gradients nearly vanish somewhere
}


def nearest_of_all() -> Row:
    rng = np.random.default_rng(0)
    rows = unit_rows(rng.gamma(0.5, size=(ROWS, WIDTH)))
    centroids = unit_rows(rows[rng.choice(ROWS, CENTROIDS, replace=False)] + 0.05)

    def ours() -> np.ndarray:
        paths = sensitivity.find_paths(centroids, GRID)
        return sensitivity.nearest_images(read_out(rows, centroids, "cosine"), paths, M)

    paths = sensitivity.find_paths(centroids, GRID)
    ends = np.stack([centroids, centroids[paths.partner]], axis=1)
    along = np.einsum("kti,kid->ktd", paths.weights, ends).reshape(-1, WIDTH).astype(np.float32)

    def theirs() -> np.ndarray:
        distances = (np.linalg.norm(rows - v, axis=1) for v in along[::SHARE])
        return np.stack([np.argsort(one, kind="stable")[:M] for one in distances])

    found = ours().reshape(-1, M)[::SHARE]
    assert np.array_equal(np.sort(found, axis=1), np.sort(theirs(), axis=1))
    what = f"{M} nearest of {ROWS:,} for {len(along):,} directions"
    return compare(what, "a sort each", theirs, ours, at_least=30, theirs_scale=SHARE)


class Gradients:
    """Scattered or fixed (image, direction) pairs of one layer, and ways to their gradients."""

    def __init__(self):
        torch.manual_seed(0)
        self.network = architectures.build(NETWORK, 10)
        self.network.eval().to(memory_format=torch.channels_last)
        self.preprocess = Preprocess(SETTINGS, torch.device("cpu"))
        inspected = inspect_layers(self.network, 32)
        (layer,) = (vars(layer) for layer in inspected if layer.name == "layer1")
        self.wanted = Wanted(layer, "spatial_mean")
        self.images, _ = photographs.random_crops(
            split="train",
            per_class=SET // 10,
            side=32,
            crops=(32, 48),
            block=96,
            test_share=0.2,
            seed=0,
        )
        recalibrate(self.network, self.preprocess, torch.from_numpy(self.images[:: SET // 128]))
        activations = self.activations()
        self.centroids = spherical_kmeans(activations, SET_CENTROIDS, starts=1).centroids
        self.paths = sensitivity.find_paths(self.centroids, GRID)
        cosines = read_out(activations, self.centroids, "cosine")
        self.nearest = sensitivity.nearest_images(cosines, self.paths, M)
        ends = np.stack([self.centroids, self.centroids[self.paths.partner]], axis=1)
        self.along = np.einsum("kti,kid->ktd", self.paths.weights, ends)

    def activations(self) -> np.ndarray:
        with torch.inference_mode():
            starts = range(0, len(self.images), 128)
            batches = (self.preprocess(self.images[start : start + 128]) for start in starts)
            found = [
                input_gradients.layer_values(self.network, self.wanted, one) for one in batches
            ]
        return torch.cat(found).numpy()

    def spans(self, path: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Norms (Q, T) by our way."""
        ends = np.stack([path, self.paths.partner[path]], axis=1)
        slopes = input_gradients.cosine_slopes(
            *(self.network, self.preprocess, self.images, self.wanted, self.centroids),
            *(image, ends),
            batch=256,
        )
        return slopes.norms(self.paths.weights[path])

    def response(self, values: torch.Tensor, directions: np.ndarray) -> torch.Tensor:
        units = values / values.norm(dim=1, keepdim=True)
        return -(units - torch.as_tensor(directions, dtype=values.dtype)).norm(dim=1)

    def whole_network(self, images: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """A pass of the whole network a pair, and backward() to the weights too."""
        self.network.requires_grad_(True)
        found, kept = [], []
        handle = self.network.layer1.register_forward_hook(lambda *x: kept.append(x[2]))
        for image, direction in zip(images, directions, strict=True):
            pixels = torch.tensor(self.images[[image]], dtype=torch.float32).requires_grad_()
            self.network(self.preprocess(pixels))
            self.response(kept.pop().mean(dim=(2, 3)), direction[None]).sum().backward()
            found.append(255 * pixels.grad.norm().item())
            self.network.zero_grad()
        handle.remove()
        self.network.requires_grad_(False)
        return np.array(found)

    def batches(self, images: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """The network cut after the layer, 8 pairs a pass, gradients of the pixels alone."""
        self.network.requires_grad_(False)
        found = []
        for start in range(0, len(images), 8):
            chosen = slice(start, start + 8)
            pixels = torch.tensor(self.images[images[chosen]], dtype=torch.float32)
            inputs = self.preprocess(pixels.requires_grad_())
            values = input_gradients.layer_values(self.network, self.wanted, inputs)
            total = self.response(values, directions[chosen]).sum()
            (gradients,) = torch.autograd.grad(total, pixels)
            found.append(255 * gradients.flatten(1).norm(dim=1).numpy())
        return np.concatenate(found)


def assert_agree(found: np.ndarray, expected: np.ndarray) -> None:
    error = np.abs(found - expected) / expected
    print(f"largest relative difference of {len(error)} norms: {np.nanmax(error):.1e}")
    assert np.nanmax(error) < WITHIN


def along_one_path(bench: Gradients) -> Iterator[Row]:
    path, image = np.zeros(IMAGES, dtype=int), bench.nearest[1, 0, :IMAGES]
    images = np.repeat(image, len(GRID))
    directions = np.tile(bench.along[0], (IMAGES, 1))
    found = bench.spans(path, image).ravel()
    assert_agree(found, bench.whole_network(images, directions))
    assert_agree(found, bench.batches(images, directions))
    for name, theirs, at_least in (
        ("backward() each", bench.whole_network, 50),
        ("batches of 8, cut network", bench.batches, 7),
    ):
        yield compare(
            f"gradients of {IMAGES} images along a path",
            name,
            lambda theirs=theirs: theirs(images, directions),
            lambda: bench.spans(path, image),
            at_least=at_least,
        )


def scattered(bench: Gradients) -> Row:
    """Each direction's own nearest images, those of a sample of the paths."""
    near = sensitivity.Neighbours.of(bench.nearest)
    pairs = {(k, image, t) for (k, t, _), image in np.ndenumerate(bench.nearest)}
    sample = np.random.default_rng(0).choice(np.unique(near.image), SAMPLE, replace=False)
    held = np.isin(near.image, sample)
    path, image = near.path[held], near.image[held]
    chosen = np.array(sorted(pair for pair in pairs if pair[1] in set(sample.tolist())))
    print(
        f"{len(pairs)} pairs of {len(np.unique(near.image))} images, {len(near.image)} (image, "
        f"path); {len(chosen)} and {len(path)} of them sampled"
    )
    timed = chosen[::SAMPLE_SHARE]
    rows = {(k, i): row for row, (k, i) in enumerate(zip(path, image, strict=True))}
    norms = bench.spans(path, image)
    found = np.array([norms[rows[k, i], t] for k, i, t in timed])
    directions = bench.along[timed[:, 0], timed[:, 2]]
    assert_agree(found, bench.whole_network(timed[:, 1], directions))
    return compare(
        f"gradients at {len(chosen)} scattered pairs",
        "backward() each",
        lambda: bench.whole_network(timed[:, 1], directions),
        lambda: bench.spans(path, image),
        at_least=10,
        theirs_scale=len(chosen) / len(timed),
    )


def rows() -> Iterator[Row]:
    yield nearest_of_all()
    bench = Gradients()
    yield from along_one_path(bench)
    yield scattered(bench)


if __name__ == "__main__":
    show(rows())
