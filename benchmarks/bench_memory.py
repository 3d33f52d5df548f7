"""Peak memory of spectra, directions and II at N and 4 N stimuli, against stated bounds.

Every rule's own script runs in a fresh process on HDF5 files as its job reads them; what its
imports had taken is subtracted. A bound is a constant, 150 MB (400 MB where torch computes) for
slabs, workspace and the allocator, and so many bytes a stimulus, for D units in a layer and K
directions of a method in it:

- spectra: 30 for each of 150 scores, 8 for each resample; none for D.
- directions: 4 D where units are copied as they are (`neurons`), 4 D + 12 K where they are
  projected (`random`), 8 D + 4 K where rows get unit length (`kmeans`, `exemplar`;
  `kmeans_identity` is `kmeans` with K = D), 8 D + 12 K in `kmeans_code`, 4 D + 16 K in `nmf`,
  12 D + 16 K in float64 (`pca`, `ica`), 20 D + 8 K in `sae`, which scales rows in float64. All
  hold one layer at a time, `sae` one penalty.
- II: 25 for each subsample while they are drawn; then 1 for each, 4 K for every method of one
  layer, 12 K for one without a sign, 32 for colour and label, and 4 for each number of an
  embedding, since nearly all images are among some direction's most exciting ones; 4 more for
  each of the part that is being read.
"""

import ast
import json
import resource
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from side_by_side import Row, judged, show

from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import write_manifest

SCRIPTS = Path(__file__).parents[1] / "scripts"
COUNT, WIDTH, K, EMBEDDED, DRAWS = 40_000, 256, 64, 32, 100
LAYERS = ["layer1", "layer2"]
FIXED, FIXED_WITH_TORCH = 150e6, 400e6
SEED = {"seed": 0}
# Options of each method, and bytes a stimulus.
METHODS = {
    "neurons": ({}, 4 * WIDTH),
    "random": ({"k": K} | SEED, 4 * WIDTH + 12 * K),
    "exemplar": ({"k": K} | SEED, 8 * WIDTH + 4 * K),
    "kmeans": ({"k": K, "starts": 1, "readout": "cosine"} | SEED, 8 * WIDTH + 4 * K),
    "kmeans_code": ({"k": K, "starts": 1} | SEED, 8 * WIDTH + 12 * K),
    "nmf": ({"k": K, "iterations": 2} | SEED, 4 * WIDTH + 16 * K),
    "pca": ({"k": K}, 12 * WIDTH + 16 * K),
    "ica": ({"k": K, "iterations": 2} | SEED, 12 * WIDTH + 16 * K),
    "sae": (
        {"z": K, "l1": 0.1, "epochs": 1, "batch": 256, "learning_rate": 1e-3} | SEED,
        20 * WIDTH + 8 * K,
    ),
}
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


def run_here(script: Path, job: dict[str, Any]) -> int:
    """Bytes that a script holds at most, beyond those that its imports had taken."""
    tree = ast.parse(script.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(tree, str(script), "exec"), {})
    before = peak()
    given = {key: Named(job[key]) for key in ("input", "output", "params")}
    config = {"runtime": {"device": "cpu"}}
    snakemake = Named(given, log=[job["log"]], threads=1, resources={}, config=config)
    runpy.run_path(str(script), {"snakemake": snakemake})
    return peak() - before


def in_a_process(*arguments: str) -> str:
    """The last line that this file prints when it is called so."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.splitlines()[-1]


def write_files(folder: Path, count: int) -> None:
    """Activations like a ReLU's, with a manifest; images with labels; embeddings."""
    rng = np.random.default_rng(0)
    spread = np.arange(1, WIDTH + 1, dtype=np.float32) ** -0.5
    datasets = []
    with h5py.File(folder / "activations.h5", "w") as file:
        file.attrs["schema_version"] = 1
        for layer in LAYERS:
            key = f"spatial_mean/{layer}"
            dataset = file.create_dataset(key, (count, WIDTH), "f4", chunks=(256, WIDTH))
            for start in range(0, count, 2000):
                rows = rng.standard_normal((2000, WIDTH), dtype=np.float32) * spread
                dataset[start : start + 2000] = np.maximum(rows, 0)
            datasets.append({"key": key, "layer": layer, "reduction": "spatial_mean", "stride": 1})
    data = folder / "activations.h5"
    manifest = {"weights": "random", "count": count, "datasets": datasets}
    write_manifest(data.with_suffix(".json"), manifest | {"sha256": hdf5_digest(data)})
    with h5py.File(folder / "stimuli.h5", "w") as file:
        file.attrs["schema_version"] = 1
        file["images"] = rng.integers(0, 255, (count, 4, 4, 3), dtype=np.uint8)
        file["labels"] = rng.integers(0, 10, count)
    with h5py.File(folder / "embeddings.h5", "w") as file:
        file.attrs["schema_version"] = 1
        rows = rng.standard_normal((count, EMBEDDED), dtype=np.float32)
        file.attrs["parts"] = ["relu1"]
        file.create_dataset("relu1", data=rows, chunks=(1, EMBEDDED))
    print("written")


def stages(folder: Path) -> Iterator[Stage]:
    """What is measured on the files of a folder, in the order that it can run."""
    run = {"model": "m", "stimuli": "s", "layers": LAYERS, "reduction": "spatial_mean"} | SEED
    captured = {
        "data": str(folder / "activations.h5"),
        "manifest": str(folder / "activations.json"),
    }

    def job(inputs: dict[str, Any], cfg: dict[str, Any], **outputs: str) -> dict[str, Any]:
        return {
            "input": inputs,
            "output": {name: str(folder / file) for name, file in outputs.items()},
            "params": {"cfg": run | cfg, "code": ""},
            "log": str(folder / "log"),
        }

    cfg = {"ranks": [10, 50], "components": 1000, "solver": "exact", "resamples": DRAWS}
    tables = {name: f"{name}.csv" for name in ("eigenvalues", "exponents", "bootstrap")}
    yield Stage("spectra", "fit_spectra.py", job(captured, cfg, **tables), 30 * 150 + 8 * DRAWS)
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
        "embeddings": [str(folder / "embeddings.h5")],
    }
    index = {"m": 5, "normalisation": "pairs", "color": True, "label": True, "resamples": DRAWS}
    cfg = index | {"backbones": ["lpips"], "methods": SCORED}
    responses = 4 * WIDTH + 12 * K + 3 * 4 * K  # neurons; pca, which has no sign; the other three
    size = max(25 * DRAWS, responses + DRAWS + 32 + 8 * EMBEDDED)
    made = {"scores": "scores.csv", "resampled": "resampled.csv"}
    yield Stage("II", "score_interpretability.py", job(files, cfg, **made), size)


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
        case ["stage", script, job]:
            print(run_here(SCRIPTS / script, json.loads(job)))
        case _:
            show(rows())
