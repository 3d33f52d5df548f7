"""docs/library.md and its notebook run as they stand; a wheel of the project is the library."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from project import ROOT
from safetensors.numpy import load_file

from codespectra.capture.activation_file import write_rows
from codespectra.capture.layout import Layout
from codespectra.directions import directions, finders
from codespectra.directions.encode import encode
from codespectra.directions.sparse_autoencoder import SparseAutoencoders, autoencoder_directions
from codespectra.models.hooks import Wanted

PAGE = ROOT / "docs/library.md"
SAE, KMEANS = (
    f"results/directions/classifier/tiles/{name}.h5" for name in ("sae-1x-0.1", "kmeans-32")
)
CAPTURED = {"sha256": "abc", "weights": "train", "count": 600}


def write_results(folder: Path) -> None:
    """The files that the page names, of a layer with 64 units."""
    rows = np.random.default_rng(1).random((600, 64), np.float32)
    torch.manual_seed(0)
    network = SparseAutoencoders(64, 80)
    with torch.no_grad():  # away from the tied start
        network.weights += 0.05 * torch.randn(64, 80)
        network.biases += 0.1 * torch.randn(80)
    centroids = finders.kmeans(rows, k=32, starts=1, readout="cosine", seed=0)
    for name, found in ((SAE, autoencoder_directions(network, rows)), (KMEANS, centroids)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        directions.write_layers(path, path.with_suffix(".json"), [("layer1", found)], CAPTURED)
    described = {"name": "layer1", "module": "layer1", "call": 0, "type": "ReLU", "depth": 1}
    described |= {"shape": (64, 4, 4), "axes": "NCHW", "prefix": None}
    layout = Layout([Wanted(described, "spatial_mean")], range(601), "float32", {})
    path = folder / "results/activations/classifier/tiles.h5"
    path.parent.mkdir(parents=True)

    def load(chosen: slice) -> torch.Tensor:
        return torch.from_numpy(rows[chosen])

    def show(found: torch.Tensor, _: slice, sink: Any) -> int:
        sink(layout.wanted[0], found)
        return 0

    write_rows(path, layout, load, show, batch=100)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> dict[str, Any]:
    """What the page's blocks of Python leave, run in order in a folder with results."""
    folder, names = tmp_path_factory.mktemp("page"), {}
    write_results(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for text in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
            exec(text, names)
        names["expected"] = encode(SAE, "layer1", names["activations"])
    return names | {"folder": folder}


def test_the_snippets_find_what_they_say(page):
    assert page["found"].n == 600 and -3 < page["law"].alpha < 0 < page["error"]
    assert set(page["table"]["method"]) == {*page["directions"]}
    assert page["responses"].shape == (100, 32)
    stored = page["directions"]["kmeans"].responses[:100]
    np.testing.assert_allclose(page["again"], stored, atol=1e-5)
    assert page["layer"].dims == ("stimulus", "unit_64") and page["mean"].shape == (64,)


def test_saelens_formula_on_the_folder_gives_our_codes(page):
    """Its standard_sae.py: relu((x - b_dec * apply) @ W_enc + b_enc), and z @ W_dec + b_dec."""
    folder = page["folder"] / "saelens/layer1"
    config = json.loads((folder / "cfg.json").read_text())
    tensors = load_file(folder / "sae_weights.safetensors")
    shapes = {"W_enc": (64, 80), "b_enc": (80,), "W_dec": (80, 64), "b_dec": (64,)}
    assert {name: tensor.shape for name, tensor in tensors.items()} == shapes
    assert (config["d_in"], config["d_sae"], config["architecture"]) == (64, 80, "standard")
    rows = page["activations"] - tensors["b_dec"] * config["apply_b_dec_to_input"]
    codes = np.maximum(rows @ tensors["W_enc"] + tensors["b_enc"], 0)
    np.testing.assert_allclose(codes, page["expected"], atol=1e-5 * codes.max())
    found = directions.read_methods({"sae": str(page["folder"] / SAE)}, ["layer1"])["layer1"]["sae"]
    decoded = codes @ tensors["W_dec"] + tensors["b_dec"]
    ours = codes @ found.vectors * found.encoder.scale
    np.testing.assert_allclose(decoded, ours, atol=1e-5 * np.abs(ours).max())


def test_overcompletes_encoder_gives_our_codes(page):
    codes = page["codes"].numpy()
    np.testing.assert_allclose(codes, page["expected"], atol=1e-5 * codes.max())
    assert (page["before"] < 0).any()


def test_the_notebook_runs(tmp_path, monkeypatch):
    """Each cell as Jupyter runs it; none keeps an output."""
    notebook = json.loads((ROOT / "docs/library.ipynb").read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in cells:
        exec("".join(cell["source"]), names)
    plt.close("all")
    # The digits' labels: centroids know them better than units do.
    of_label = names["table"].query("metric == 'label'").groupby("method")["ii"].mean()
    assert of_label["kmeans"] > of_label["neurons"] > 0.1
    np.testing.assert_allclose(names["found"].responses.max(), 1, atol=0.1)


def test_a_wheel_of_the_project_is_the_library(tmp_path):
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    library = ROOT / "scripts/codespectra"
    shutil.copytree(
        library, tmp_path / "scripts/codespectra", ignore=shutil.ignore_patterns("__*__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*command, "-w", "dist", "."], cwd=tmp_path, check=True)
    with zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    installed = tmp_path / "installed/codespectra"
    names = {path.relative_to(library) for path in library.rglob("*.py")}
    assert {path.relative_to(installed) for path in installed.rglob("*.py")} == names
    code = "import codespectra.directions.encode as e; print(e.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "installed",
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == installed / "directions/encode.py"
