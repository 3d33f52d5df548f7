"""Peak memory of a stage at ImageNet's size, run to its end on a sparse store of the true shape.

    python benchmarks/imagenet_memory.py FOLDER spectra|kmeans|pca|II

Rows and columns that hold numbers are few, so that the store takes gigabytes and not hundreds of
them; every row and column is read and computed with all the same. Fewer iterations of K-Means and
fewer directions (`OF_II`) than a study has save hours, and no memory: each direction has its own
lists, 2 kB, and rows in the tables.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from bench_memory import ESTIMATORS, SCRIPTS, SEED, describe, peak, run_here

from codespectra.directions import kmeans
from codespectra.files.hdf5_files import create_hdf5
from codespectra.files.manifests import write_manifest

TRAIN, VALIDATION, WIDTH, FILLED, RESAMPLES = 1_281_167, 50_000, 2048, 50_000, 100
PARTS = {"relu1": 87_725, "relu2": 99_873, "relu3": 58_643, "relu4": 40_222, "relu5": 42_419}
OF_II = 512  # directions; and as many more of two signs, each of which is compared
LAYER = "layer4"
RUN = {"model": "m", "stimuli": "s", "layers": [LAYER], "reduction": "spatial_mean"} | SEED


def sparse_dataset(file: h5py.File, name: str, shape: tuple[int, int], rows: int) -> h5py.Dataset:
    """A dataset in chunks of so many rows, whose room is set aside and not written."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layout.set_chunk((rows, shape[1]))
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    space, kind = h5py.h5s.create_simple(shape), h5py.h5t.IEEE_F32LE
    return h5py.Dataset(h5py.h5d.create(file.id, name.encode(), kind, space, layout, links))


def write_activations(folder: Path, count: int) -> None:
    """Of a ReLU in the first rows, and zeros."""
    rng = np.random.default_rng(0)
    spread = np.arange(1, WIDTH + 1, dtype=np.float32) ** -0.5
    with create_hdf5(folder / "activations.h5") as file:
        dataset = sparse_dataset(file, f"spatial_mean/{LAYER}", (count, WIDTH), 256)
        for start in range(0, FILLED, 2000):
            rows = rng.standard_normal((2000, WIDTH), dtype=np.float32) * spread
            dataset[start : start + 2000] = np.maximum(rows, 0)


def write_scored(folder: Path) -> None:
    """Images, embeddings of which the first columns of each part hold numbers, and directions."""
    rng = np.random.default_rng(0)
    with create_hdf5(folder / "stimuli.h5") as file:
        file["labels"] = rng.integers(0, 1000, VALIDATION)
        file["images"] = np.zeros((VALIDATION, 4, 4, 3), np.uint8)
    # Without room for whole chunks, only what is written of them takes disk.
    with h5py.File(folder / "embeddings.h5", "w", rdcc_nbytes=0) as file:
        file.attrs["schema_version"], file.attrs["parts"] = 1, [*PARTS]
        for part, width in PARTS.items():
            dataset = sparse_dataset(file, part, (VALIDATION, width), 1)
            for start in range(0, VALIDATION, 5000):
                dataset[start : start + 5000, :500] = rng.random((5000, 500), np.float32)
    for method in ("kmeans", "pca"):
        with create_hdf5(folder / f"{method}.h5") as file:
            group = file.create_group(LAYER)
            group.attrs["two_sided"] = method == "pca"
            group["vectors"] = np.eye(OF_II, WIDTH, dtype=np.float32)
            responses = group.create_dataset("responses", (VALIDATION, OF_II), "f4")
            for start in range(0, VALIDATION, 5000):
                rows = rng.standard_normal((5000, OF_II), np.float32)
                responses[start : start + 5000] = rows


def job(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    """The script of a stage, and what Snakemake gives it; its manifests verify no content."""
    told = folder / "told"
    inputs: dict[str, Any] = {
        "data": [str(folder / "activations.h5")],
        "manifests": [str(told / "activations.json")],
    }
    if name == "spectra":
        script, cfg = "fit_spectra.py", {"components": 1000, "solver": "exact", "ranks": [10, 50]}
        cfg |= {"resamples": RESAMPLES, "resampled": "images", "grows": False}
        cfg |= {"estimators": ESTIMATORS}
        outputs = ("eigenvalues", "exponents", "bootstrap", "left_out", "estimates", "windows")
    elif name == "II":
        script, cfg = "score_interpretability.py", {"m": 5, "normalisation": "pairs"}
        cfg |= {"color": True, "label": True, "backbones": ["lpips"], "methods": ["kmeans", "pca"]}
        cfg |= {"resamples": RESAMPLES, "resampled": "images"}
        inputs = {
            "directions": [str(folder / f"{method}.h5") for method in cfg["methods"]],
            "directions_manifests": [str(told / f"{method}.json") for method in cfg["methods"]],
            "stimuli": str(folder / "stimuli.h5"),
            "stimuli_manifest": str(told / "stimuli.json"),
            "embeddings": [str(folder / "embeddings.h5")],
            "embeddings_manifests": [str(told / "embeddings.json")],
        }
        outputs = ("scores", "resampled")
    else:
        options = {"pca": {"k": WIDTH}, "kmeans": {"k": WIDTH, "starts": 1, "readout": "cosine"}}
        seed = {} if name == "pca" else SEED
        script, outputs = "find_directions.py", ("data", "manifest")
        cfg = {"options": {"method": name} | options[name] | seed}
    endings = {"data": "h5", "manifest": "json"}
    named = {one: str(folder / f"made.{endings.get(one, one + '.csv')}") for one in outputs}
    params = {"cfg": RUN | cfg, "code": ""}
    return script, {"input": inputs, "output": named, "params": params, "log": f"{folder}/log"}


def describe_directions(folder: Path, method: str) -> None:
    """A manifest of directions."""
    told = {"weights": "random", "stimulus_count": VALIDATION, "digests": {LAYER: method}}
    write_manifest(folder / f"told/{method}.json", told)


def write(folder: Path, name: str) -> None:
    """The files of a stage."""
    (folder / "told").mkdir(parents=True)
    count = TRAIN if name == "spectra" else VALIDATION
    if name == "II":
        write_scored(folder)
    else:
        write_activations(folder, count)
    for one in ("kmeans", "pca"):
        describe_directions(folder, one)
    for one in ("activations", "stimuli", "embeddings"):
        describe(folder / f"{one}.h5", folder / f"told/{one}.json", one, count, [LAYER])


def run(folder: Path, name: str) -> None:
    """Run a stage, and print what it took."""
    if name == "kmeans":
        lloyd = kmeans.lloyd
        kmeans.lloyd = lambda rows, centroids, _: lloyd(rows, centroids, 1)
    script, given = job(folder, name)
    beyond = run_here(SCRIPTS / script, given, {})
    told = f"{peak() / 1e9:.2f} GB, {beyond / 1e9:.2f} GB beyond imports"
    print(f"{name}: {told}; {time.process_time():.0f} CPU seconds")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder, name]:
            write(Path(folder), name)
        case ["run", folder, name]:
            run(Path(folder), name)
        case [folder, name]:
            for step in ("write", "run"):  # a child starts with its parent's peak as its own
                subprocess.run(
                    [sys.executable, __file__, step, f"{folder}/{name}", name], check=True
                )
