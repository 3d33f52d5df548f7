"""What a GPU does for us: results against the CPU's, and times beside what a user would take.

Bare passes and peers run on the same GPU unless they have no GPU code. Times are wall seconds to
the end of the GPU's work. Convolutions take TensorFloat-32 as torch does by default, hence WITHIN.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import torch
from lpips_peer import random_lpips, trunk_state
from run import machine
from side_by_side import Row, judged
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from codespectra.capture import images as image_capture
from codespectra.capture.text import capture_text, select_parts
from codespectra.data.preprocessing import Preprocess
from codespectra.data.tokenization import Cut
from codespectra.data.tokens import Tokens
from codespectra.directions import kmeans
from codespectra.interpretability.lpips_embedding import alexnet_backbone
from codespectra.interpretability.similarity import Embedding
from codespectra.models import architectures, hooks
from codespectra.models.language_models import initialise, inspect_layers
from codespectra.models.layer_selection import select_layers
from codespectra.spectra import eigenspectrum
from codespectra.training import vae

WITHIN = 5e-3  # of a layer's largest value, where TensorFloat-32 may be
SECONDS = 450  # after which no further part begins
PREPROCESSING = {"side": 224, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
PIXELS = {"side": None, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}

FULL = {
    "images": 8192,
    "batch": 256,
    "gpt2": {"n_embd": 1600, "n_layer": 48, "n_head": 25, "n_positions": 1024, "vocab_size": 50257},
    "sequences": 64,
    "rows": 1_281_167,
    "units": 2048,
    "centroids": 2048,
    "iterations": 10,
    "share": 32,  # of the rows that scikit-learn gets
    "spectrum": (50_000, 4096),
    "embedded": 1000,
    "pairs": 2560,
    "vae_images": 20_480,
}
SMALL = {
    "images": 4,
    "batch": 2,
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, "vocab_size": 256},
    "sequences": 4,
    "rows": 600,
    "units": 16,
    "centroids": 8,
    "iterations": 2,
    "share": 2,
    "spectrum": (300, 40),
    "embedded": 6,
    "pairs": 8,
    "vae_images": 64,
}


class Measure:
    """The parts, on one device at one set of sizes."""

    def __init__(self, device: torch.device, sizes: dict, folder: Path):
        self.device, self.folder = device, folder
        self.sizes = sizes

    def seconds(self, work: Callable[[], object]) -> float:
        """Of one call, to the end of what it left the GPU to do."""
        self.settle()
        start = time.perf_counter()
        work()
        self.settle()
        return time.perf_counter() - start

    def settle(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def row(
        self,
        measured: str,
        peer: str,
        theirs: float,
        ours: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> Row:
        ratio = theirs / ours if at_most is None else ours / theirs
        return judged(
            measured, peer, ratio, at_least=at_least, at_most=at_most, ours=ours, theirs=theirs
        )

    def images(self) -> Iterator[Row]:
        """ResNet-50 at 224 px: layer1 to layer4 averaged over places, into HDF5."""
        count, batch = self.sizes["images"], self.sizes["batch"]
        architecture = {"name": "torchvision", "model": "resnet50"}
        torch.manual_seed(0)
        network = architectures.build(architecture, 1000).eval()
        available = architectures.describe_layers(architecture, 1000, 224)
        layers = select_layers([f"layer{place}" for place in range(1, 5)], available)
        wanted = [hooks.Wanted(layer, "spatial_mean") for layer in layers]
        drawn = np.random.default_rng(0)
        pictures = drawn.integers(256, size=(count, 224, 224, 3), dtype=np.uint8)

        def capture(where: torch.device, shown: np.ndarray, name: str) -> Path:
            preprocess = Preprocess(PREPROCESSING, where)
            given = (self.folder / name, network, preprocess, shown, None, wanted)
            image_capture.capture(*given, dtype="float32", batch=batch, attributes={})
            return self.folder / name

        few = capture(torch.device("cpu"), pictures[:8], "cpu.h5")
        network.to(self.device, memory_format=torch.channels_last)
        assert_alike(capture(self.device, pictures[:8], "gpu.h5"), few)
        preprocess = Preprocess(PREPROCESSING, self.device)

        @torch.inference_mode()
        def bare() -> None:
            for start in range(0, count, batch):
                network(preprocess(pictures[start : start + batch]))

        bare()
        plain = self.seconds(bare)
        ours = self.seconds(lambda: capture(self.device, pictures, "all.h5"))
        what = f"capture, ResNet-50, 224 px, {count / ours:,.0f} images/s into HDF5"
        yield self.row(what, "the bare forward pass", plain, ours, at_least=0.9)

    def text(self) -> Iterator[Row]:
        """GPT-2 XL's size: MLPs and residual stream of every block, into HDF5."""
        count, length, batch = self.sizes["sequences"], 64, 16
        torch.manual_seed(0)
        with self.device:
            network = initialise({"model_type": "gpt2", **self.sizes["gpt2"]}, "causal")
        network.to(self.device)
        parts = {"mlp": ["*.mlp.act"], "residual": [{"type": "GPT2Block"}]}
        available = [vars(layer) for layer in inspect_layers(network)]
        chosen = select_parts(parts, available)
        wanted = chosen["mlp"] + chosen["residual"]
        ids = np.random.default_rng(0).integers(256, size=(count, length))

        def capture(rows: np.ndarray, name: str) -> Path:
            cuts = [Cut(index, row) for index, row in enumerate(rows)]
            position, sequence = np.meshgrid(np.arange(length), np.arange(len(rows)))
            flat = (array.ravel().astype(np.int32) for array in (rows, sequence, position))
            tokens = Tokens(*flat, vocabulary=[chr(code) for code in range(256)])
            given = (self.folder / name, network, cuts, tokens, wanted)
            capture_text(*given, dtype="float16", batch=batch, attributes={})
            return self.folder / name

        @torch.inference_mode()
        def bare() -> None:
            for start in range(0, count, batch):
                rows = torch.from_numpy(ids[start : start + batch])
                network.transformer(rows.to(self.device))

        bare()
        plain = self.seconds(bare)
        ours = self.seconds(lambda: capture(ids, "text.h5"))
        few = capture(ids[:2], "gpu_text.h5")
        network.to("cpu")
        assert_alike(few, capture(ids[:2], "cpu_text.h5"))
        size = (self.folder / "text.h5").stat().st_size / 1e9
        what = (
            f"text capture, GPT-2 XL's size, {count * length / ours:,.0f} tokens/s, {size:.1f} GB"
        )
        yield self.row(what, "the bare forward pass", plain, ours, at_most=1.25)

    def kmeans(self) -> Iterator[Row]:
        """Spherical K-Means of ImageNet's size."""
        count, units, k = (self.sizes[name] for name in ("rows", "units", "centroids"))
        rows = np.empty((count, units), np.float32)
        generator = torch.Generator(self.device).manual_seed(0)
        mixing = torch.randn(64, units, generator=generator, device=self.device)
        for start in range(0, count, 65_536):
            chosen = slice(start, min(start + 65_536, count))
            shape = (chosen.stop - start, 64)
            hidden = torch.randn(shape, generator=generator, device=self.device)
            rows[chosen] = (hidden @ mixing + 4).relu_().cpu().numpy()
        few = {"starts": 1, "max_iterations": 5}
        sample = rows[: 20 * k : 1 + 20 * k // 20_000]
        clusters = min(64, k)
        found = kmeans.spherical_kmeans(sample, clusters, device=self.device, **few)
        expected = kmeans.spherical_kmeans(sample, clusters, **few)
        assert abs(found.objective - expected.objective) < 1e-4, (found, expected)
        iterations = self.sizes["iterations"]
        fit = {"starts": 1, "max_iterations": iterations, "device": self.device}
        ours = self.seconds(lambda: kmeans.spherical_kmeans(rows, k, **fit))
        part = rows[:: self.sizes["share"]]
        start = part[np.random.default_rng(0).choice(len(part), k, replace=False)]
        peer = KMeans(k, init=start, n_init=1, max_iter=1, algorithm="lloyd")
        theirs = self.seconds(lambda: peer.fit(part)) * self.sizes["share"] * iterations
        yield self.row(
            f"spherical K-Means, start and {iterations} iterations, {count:,} x {units}, K={k}",
            "scikit-learn's iterations on the CPU, scaled",
            *(theirs, ours),
            at_least=10,
        )

    def spectrum(self) -> Iterator[Row]:
        """Exact, against scikit-learn's randomized PCA on the CPU."""
        n, width = self.sizes["spectrum"]
        spread = np.arange(1, width + 1, dtype=np.float32) ** -0.5
        rows = np.random.default_rng(0).standard_normal((n, width), dtype=np.float32) * spread
        few = {"components": 10, "scores": 0}
        part = rows[:2000, :500]
        found = eigenspectrum.spectrum(part, device=self.device, **few).eigenvalues
        np.testing.assert_allclose(
            found, eigenspectrum.spectrum(part, **few).eigenvalues, rtol=1e-4
        )
        top = min(1000, width // 2)
        ours = self.seconds(
            lambda: eigenspectrum.spectrum(rows, components=top, scores=0, device=self.device)
        )
        theirs = self.seconds(lambda: PCA(top, svd_solver="randomized", random_state=0).fit(rows))
        yield self.row(
            f"exact spectrum, top {top}, {n:,} x {width:,}",
            "scikit-learn's PCA, randomized, on the CPU",
            *(theirs, ours),
            at_least=5,
        )

    def embeddings(self) -> Iterator[Row]:
        """LPIPS at 224 px of the images of many sets."""
        count, pairs = self.sizes["embedded"], self.sizes["pairs"]
        peer = random_lpips().eval()
        state = trunk_state(peer)
        rng = np.random.default_rng(0)
        pictures = rng.integers(256, size=(count, 224, 224, 3), dtype=np.uint8)
        sets = np.stack([rng.choice(count, 5, replace=False) for _ in range(max(1, pairs // 10))])
        first, second = np.triu_indices(5, k=1)
        those = sets[:, first].ravel(), sets[:, second].ravel()
        shown = alexnet_backbone(state, self.device)
        found = shown.embed(pictures[:4])
        expected = alexnet_backbone(state, torch.device("cpu")).embed(pictures[:4])
        for part, rows in found.items():
            error = np.abs(rows - expected[part]).max()
            assert error <= WITHIN * np.abs(expected[part]).max(), (part, error)

        def ours() -> np.ndarray:
            blocks = [shown.embed(pictures[x : x + 128]) for x in range(0, count, 128)]
            tables = {part: np.concatenate([one[part] for one in blocks]) for part in blocks[0]}
            return Embedding("lpips", tables, np.arange(count)).within(sets)["all"]

        peer.to(self.device)

        @torch.inference_mode()
        def theirs() -> None:
            for start in range(0, len(those[0]), 64):
                pair = [
                    torch.from_numpy(pictures[side[start : start + 64]]).to(self.device)
                    for side in those
                ]
                inputs = [one.permute(0, 3, 1, 2).float() / 255 for one in pair]
                peer(*inputs, normalize=True).cpu()

        theirs()
        yield self.row(
            f"LPIPS index of {len(sets)} sets of 5, {count} images, 224 px",
            "lpips calls of 64 pairs",
            *(self.seconds(theirs), self.seconds(ours)),
            at_least=1,
        )

    def variational(self) -> Iterator[Row]:
        """An epoch of a ResNet-VAE, against its passes and Adam alone."""
        count, batch = self.sizes["vae_images"], 128
        architecture = {
            "name": "resnet_vae",
            "encoder": {"name": "torchvision", "model": "resnet18"},
            "hidden": [1024, 1024],
            "latent": 256,
            "dropout": 0.3,
            "dropout_sites": "relu",
        }
        rng = np.random.default_rng(0)
        pictures = torch.from_numpy(rng.integers(256, size=(count, 32, 32, 3), dtype=np.uint8))
        preprocess = Preprocess(PIXELS, self.device)
        loss = {"loss": "paper", "kld_weight": 1.0}
        recipe = vae.VaeRecipe(
            epochs=1, batch=min(batch, count // 2), learning_rate=1e-4, seed=0, identity="", **loss
        )

        def fresh() -> torch.nn.Module:
            torch.manual_seed(0)
            network = architectures.build(architecture, 10).to(self.device)
            return network.to(memory_format=torch.channels_last).train()

        def ours() -> None:
            partial = self.folder / "partial"
            vae.train_vae(fresh(), preprocess, pictures, pictures[:batch], recipe, partial)

        def theirs() -> None:
            network = fresh()
            optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
            for start in range(0, count - recipe.batch + 1, recipe.batch):
                pixels = preprocess.pixels(pictures[start : start + recipe.batch])
                outputs = network.reconstruct(preprocess.normalise(pixels))
                optimizer.zero_grad()
                vae.vae_loss(outputs[0], pixels, *outputs[1:], **loss).backward()
                optimizer.step()

        theirs()
        yield self.row(
            f"ResNet-VAE, an epoch of {count:,} images, evaluated and saved",
            "passes and Adam alone",
            *(self.seconds(theirs), self.seconds(ours)),
            at_most=1.25,
        )


def assert_alike(found: Path, expected: Path) -> None:
    """Activations of two files, to WITHIN of each layer's largest."""
    with h5py.File(found) as ours, h5py.File(expected) as theirs:

        def compare(name: str, dataset: h5py.Dataset | h5py.Group) -> None:
            if isinstance(dataset, h5py.Dataset) and dataset.ndim == 2:
                wanted = dataset[:].astype(np.float32)
                error = np.abs(ours[name][:].astype(np.float32) - wanted).max()
                assert error <= WITHIN * np.abs(wanted).max(), (name, error)

        theirs.visititems(compare)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--small", action="store_true", help="a rehearsal on the CPU")
    options.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", ".")))
    chosen = options.parse_args()
    device = torch.device("cpu" if chosen.small else "cuda")
    start, found = time.time(), {}
    for part in ("images", "kmeans", "text", "embeddings", "variational", "spectrum"):
        if time.time() - start > SECONDS:
            print(f"{part}: left out, {SECONDS} s are over", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            measure = Measure(device, SMALL if chosen.small else FULL, Path(folder))
            try:
                rows = list(getattr(measure, part)())
            except Exception as error:
                traceback.print_exc()
                rows = [Row(f"{part} broke: {error}"[:300], "", None, "", False)]
        found[part] = [asdict(row) for row in rows]
        print(*rows, f"{part}: {time.time() - start:.0f} s so far", sep="\n", flush=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else "none: a rehearsal"
    content = {"machine": machine() | {"gpu": gpu}, "rows": found}
    (chosen.out / "gpu.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    sys.exit(any("broke" in row["measured"] for rows in found.values() for row in rows))


if __name__ == "__main__":
    main()
