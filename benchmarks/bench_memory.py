"""Peak memory of spectra, directions and II at N and 4 N stimuli: it mustn't grow with them.

Every rule's own script runs in a fresh process on HDF5 files as its job reads them; what its
imports had taken is subtracted. What a stage reads at once, and holds of a small set up to a
constant in its module, is made as much smaller here as the sets are. A stage may hold 150 MB for
workspace and the allocator, and so many bytes a stimulus:

- spectra: 64, a few numbers of each stimulus (its length, its influence, an order drawn).
- directions: 64 likewise. `sae` alone holds its rows, one penalty at a time: 400 MB where torch
  computes, 20 D + 8 K for D units in float32, scaled in float64, and K directions.
- II: 1 for each subsample, which says whether it is in; 100 for colour, label and orders drawn.

imagenet_memory.py does so at ImageNet's size.
"""

import ast
import importlib
import json
import resource
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import Row, judged, show

from codespectra.files.hdf5_files import create_hdf5, hdf5_digest
from codespectra.files.manifests import write_manifest

SCRIPTS = Path(__file__).parents[1] / "scripts"
COUNT, WIDTH, K, EMBEDDED, DRAWS = 10_000, 512, 64, 512, 20
LAYERS = ["layer1", "layer2"]
FIXED, FIXED_WITH_TORCH = 150e6, 400e6
SEED = {"seed": 0}
A_FEW = 64  # bytes a stimulus
# Imported by name, so that they are set before anything else is imported.
SLABS = {
    "codespectra.capture.rows.SLAB": 1 << 18,
    "codespectra.statistics.row_blocks.READ": 1 << 18,
}
HELD = {
    "codespectra.interpretability.embedding_table.MOST_HELD": 1 << 18,
    "codespectra.interpretability.embedding_table.MOST_CHUNKS": 1 << 8,
    "codespectra.directions.kmeans.MOST_HELD": 1 << 21,
    "codespectra.directions.baselines.MOST_NUMBERS": 1 << 21,
    "codespectra.spectra.eigenspectrum.MOST_SCORES": 1 << 18,
    "codespectra.spectra.alternatives.MOST": 1 << 12,
    "codespectra.spectra.weighted_spectra.BLOCK": 1 << 12,
}
# Options of each method, and bytes a stimulus.
METHODS = {
    "neurons": ({}, A_FEW),
    "random": ({"k": K} | SEED, A_FEW),
    "exemplar": ({"k": K} | SEED, A_FEW),
    "kmeans": ({"k": K, "starts": 1, "readout": "cosine"} | SEED, A_FEW),
    "kmeans_code": ({"k": K, "starts": 1} | SEED, A_FEW),
    "nmf": ({"k": K, "iterations": 2} | SEED, A_FEW),
    "pca": ({"k": K}, A_FEW),
    "ica": ({"k": K, "iterations": 2} | SEED, A_FEW),
    "sae": (
        {"z": K, "l1": 0.1, "epochs": 1, "batch": 256, "learning_rate": 1e-3} | SEED,
        20 * WIDTH + 8 * K,
    ),
}
ESTIMATORS = ["meme", "alternatives", "windows", "participation_ratio", "stringer"]
SCORED = ["neurons", "kmeans", "pca", "random", "exemplar"]


@dataclass(frozen=True)
class Stage:
    """A script, its `snakemake` as JSON, and the bytes that it may hold for each stimulus."""

    name: str
    script: str
    job: dict[str, Any]
    bytes: int

    def bound(self, count: int) -> float:
        """Bytes that it may hold for so many stimuli."""
        fixed = FIXED_WITH_TORCH if self.script == "train_autoencoder.py" else FIXED
        return fixed + count * self.bytes


class Named(dict):
    """Names as attributes, as snakemake gives a script its files and params."""

    __getattr__ = dict.__getitem__


def peak() -> int:
    """Bytes that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def run_here(script: Path, job: dict[str, Any], held: dict[str, int] = HELD) -> int:
    """Bytes that a script holds at most, beyond those that its imports had taken."""
    set_constants(SLABS if held else {})
    tree = ast.parse(script.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(tree, str(script), "exec"), {})
    set_constants(held)
    before = peak()
    given = {key: Named(job[key]) for key in ("input", "output", "params")}
    config = {"runtime": {"device": "cpu"}}
    snakemake = Named(given, log=[job["log"]], threads=1, resources={}, config=config)
    runpy.run_path(str(script), {"snakemake": snakemake})
    return peak() - before


def set_constants(values: dict[str, int]) -> None:
    """Set constants of modules."""
    for name, value in values.items():
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(module), constant, value)


def in_a_process(*arguments: str) -> str:
    """The last line that this file prints when it is called so."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.splitlines()[-1]


def write_files(folder: Path, count: int) -> None:
    """Activations like a ReLU's, images with labels, and embeddings; a manifest beside each."""
    rng = np.random.default_rng(0)
    spread = np.arange(1, WIDTH + 1, dtype=np.float32) ** -0.5
    with create_hdf5(folder / "activations.h5") as file:
        for layer in LAYERS:
            shape = (count, WIDTH)
            dataset = file.create_dataset(f"spatial_mean/{layer}", shape, "f4", chunks=(256, WIDTH))
            for start in range(0, count, 2000):
                rows = rng.standard_normal((2000, WIDTH), dtype=np.float32) * spread
                dataset[start : start + 2000] = np.maximum(rows, 0)
    with create_hdf5(folder / "stimuli.h5") as file:
        file["images"] = rng.integers(0, 255, (count, 4, 4, 3), dtype=np.uint8)
        file["labels"] = rng.integers(0, 10, count)
    with create_hdf5(folder / "embeddings.h5") as file:
        rows = rng.standard_normal((count, EMBEDDED), dtype=np.float32)
        file.attrs["parts"] = ["relu1"]
        file.create_dataset("relu1", data=rows, chunks=(1, EMBEDDED))
    for data in folder.glob("*.h5"):
        describe(data, data.with_suffix(".json"), hdf5_digest(data), count)


def describe(
    data: Path, manifest: Path, digest: str, count: int, layers: Sequence[str] = LAYERS
) -> None:
    """Write the manifest of such a file."""
    datasets = [
        {
            "key": f"spatial_mean/{layer}",
            "layer": layer,
            "reduction": "spatial_mean",
            "stride": 1,
            "sha256": f"{digest} {layer}",
        }
        for layer in layers
    ]
    told = {"file": data.name, "weights": "random", "count": count, "datasets": datasets}
    write_manifest(manifest, told | {"sha256": digest})


def stages(folder: Path) -> Iterator[Stage]:
    """What is measured on the files of a folder, in the order that it can run."""
    run = {"model": "m", "stimuli": "s", "layers": LAYERS, "reduction": "spatial_mean"} | SEED
    captured = {
        "data": [str(folder / "activations.h5")],
        "manifests": [str(folder / "activations.json")],
    }

    def job(inputs: dict[str, Any], cfg: dict[str, Any], **outputs: str) -> dict[str, Any]:
        return {
            "input": inputs,
            "output": {name: str(folder / file) for name, file in outputs.items()},
            "params": {"cfg": run | cfg, "code": ""},
            "log": str(folder / "log"),
        }

    cfg = {"ranks": [10, 50], "components": 1000, "solver": "exact", "resamples": DRAWS}
    cfg |= {"resampled": "images", "grows": False, "estimators": ESTIMATORS}
    names = ("eigenvalues", "exponents", "bootstrap", "left_out", "estimates", "windows")
    tables = {name: f"{name}.csv" for name in names}
    yield Stage("spectra", "fit_spectra.py", job(captured, cfg, **tables), A_FEW)
    for method, (options, size) in METHODS.items():
        made = {"data": f"{method}.h5", "manifest": f"{method}.json"}
        given = {"method": method} | options
        if method == "sae":
            trained = job(captured, {"autoencoders": {method: given}}, **made, epochs="sae.csv")
            trained["output"] = {name: [file] for name, file in trained["output"].items()}
            yield Stage(method, "train_autoencoder.py", trained, size)
        else:
            found = job(captured, {"options": given}, **made)
            yield Stage(method, "find_directions.py", found, size)
    files = {
        "directions": [str(folder / f"{method}.h5") for method in SCORED],
        "directions_manifests": [str(folder / f"{method}.json") for method in SCORED],
        "stimuli": str(folder / "stimuli.h5"),
        "stimuli_manifest": str(folder / "stimuli.json"),
        "embeddings": [str(folder / "embeddings.h5")],
        "embeddings_manifests": [str(folder / "embeddings.json")],
    }
    index = {"m": 5, "normalisation": "pairs", "color": True, "label": True, "resamples": DRAWS}
    cfg = index | {"backbones": ["lpips"], "methods": SCORED, "resampled": "images"}
    made = {"scores": "scores.csv", "resampled": "resampled.csv"}
    yield Stage("II", "score_interpretability.py", job(files, cfg, **made), DRAWS + 100)


def measure(folder: Path, count: int) -> dict[str, tuple[Stage, int]]:
    """Each stage on files of so many stimuli, and the bytes that it held at most."""
    folder.mkdir()
    # A child starts with its parent's peak as its own: this process must stay small.
    in_a_process("files", str(folder), str(count))
    return {
        stage.name: (stage, int(in_a_process("stage", stage.script, json.dumps(stage.job))))
        for stage in stages(folder)
    }


def rows() -> Iterator[Row]:
    counts = (COUNT, 4 * COUNT)
    with tempfile.TemporaryDirectory() as folder:
        few, many = (measure(Path(folder, str(count)), count) for count in counts)
    for name, (stage, _) in few.items():
        for count, found in zip(counts, (few, many), strict=True):
            held, bound = found[name][1] / 1e6, stage.bound(count) / 1e6
            what = f"peak MB, {name}, {count:,} stimuli: {held:.0f}"
            yield judged(what, f"bound of {bound:.0f} MB", held / bound, at_most=1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["files", folder, count]:
            write_files(Path(folder), int(count))
            print("written")
        case ["stage", script, job]:
            print(run_here(SCRIPTS / script, json.loads(job)))
        case _:
            show(rows())
