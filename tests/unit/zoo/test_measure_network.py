"""One job a network: what the rules one by one find, and what becomes of a failure."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from script_job import run_script

from codespectra.data.stimuli import StimulusSet, write_stimuli
from codespectra.files.csv_tables import read_csv
from codespectra.files.full_disk import FullDisk
from codespectra.interpretability.index_means import mean_indices
from codespectra.models.architectures import build
from codespectra.zoo import faults, network
from codespectra.zoo.faults import NetworkFault, told_of_the_network

COUNT, SIDE, CLASSES = 48, 32, 6
RUNTIME = {"runtime": {"batch": 20, "device": "cpu"}}
PIXELS = {"side": None, "resize": None, "interpolation": "bilinear"}
PIXELS |= {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
SPECTRA = {"ranks": [2, 12], "solver": "exact", "components": 100, "resamples": 20, "seed": 3}
INDEX = {"m": 3, "normalisation": "pairs"}
MIS = {"references": 3, "trials": 4, "slope": 1.0, "resamples": 20, "seed": 2}
SHOWN = {"color": True, "label": True, "backbones": []}
NET = {"name": "timm", "model": "test_resnet"}
CFG = {
    "architecture": NET,
    "weights": {"kind": "random", "seed": 5},
    "preprocessing": PIXELS,
    "stimuli": "own",
    "layers": [{"type": "ReLU"}],
    "depths": [0.5, 1.0],
    **SHOWN,
    "exponent": SPECTRA | {"reduction": "stride", "resampled": "classes"},
    "ii": INDEX | {"resamples": 20, "seed": 1, "resampled": "classes"},
    "mis": MIS | {"resampled": "classes"},
}
STIMULI = {"stimuli": Path("own.h5"), "stimuli_manifest": Path("own.json")}
NOTHING_EMBEDDED: dict[str, Any] = {"embeddings": [], "embeddings_manifests": []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """With a set of images of six classes."""
    folder = tmp_path_factory.mktemp("zoo")
    rng = np.random.default_rng(0)
    coarse = rng.integers(256, size=(COUNT, 4, 4, 3), dtype=np.uint8)
    images = np.kron(coarse, np.ones((1, SIDE // 4, SIDE // 4, 1), np.uint8))
    classes = tuple(f"c{number}" for number in range(CLASSES))
    labels = np.arange(COUNT) % CLASSES
    write_stimuli(folder / "own.h5", "own", StimulusSet(images, COUNT, SIDE, classes, labels))
    return folder


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)


def measure(cfg: dict[str, Any], name: str = "network") -> pd.DataFrame:
    table = Path(f"{name}.csv")
    given = STIMULI | NOTHING_EMBEDDED
    run_script("measure_network", given, {"table": table}, cfg, config=RUNTIME)
    assert not Path(f".{name}.activations").exists()
    return read_csv(table, "zoo_network")


@pytest.fixture(scope="module")
def found(folder) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return measure(CFG)


def test_it_finds_what_the_rules_find_one_by_one(found):
    layers = list(dict.fromkeys(found["layer"]))
    assert len(layers) == 2 and {*found["depth"]} == {0.5, 1.0}
    checkpoint = {"checkpoint": Path("net.pt"), "checkpoint_manifest": Path("net.json")}
    described = {"architecture": NET, "classes": None, "preprocessing": PIXELS}
    run_script(
        *("initialise_checkpoint", {}),
        {"checkpoint": Path("net.pt"), "manifest": Path("net.json")},
        {"model": described | {"name": "net", "weights": "random"}, "seed": 5},
    )
    run = {"model": "net", "stimuli": "own"}
    wanted = [{"layer": x, "reduction": r} for x in layers for r in ("stride", "spatial_mean")]
    run_script(
        "capture_activations",
        checkpoint | STIMULI | {"shards": [], "shard_manifests": []},
        {"data": Path("all.h5"), "manifest": Path("all.json")},
        run
        | {"noisy": False, "dtype": "float32", "precision": "float32", "compile": False}
        | {"wanted": wanted, "expected_accuracy": None},
        config=RUNTIME,
        **{"origin": "", "holds": []},
    )
    captured = {"data": ["all.h5"], "manifests": ["all.json"]}
    run |= {"layers": layers}
    names = ("eigenvalues", "exponents", "bootstrap", "left_out", "estimates", "windows")
    run_script(
        "fit_spectra",
        captured | STIMULI,
        {name: Path(f"{name}.csv") for name in names},
        run | CFG["exponent"] | {"estimators": [], "grows": False},
    )
    run |= {"reduction": "spatial_mean"}
    units = {"data": Path("neurons.h5"), "manifest": Path("neurons.json")}
    run_script("find_directions", captured, units, run | {"options": {"method": "neurons"}})
    given = {"directions": ["neurons.h5"], "directions_manifests": ["neurons.json"]}
    given |= STIMULI | NOTHING_EMBEDDED
    scores = {name: Path(f"{name}.csv") for name in ("scores", "resampled")}
    run |= SHOWN | {"methods": ["neurons"]}
    run_script("score_interpretability", given, scores, run | CFG["ii"])
    names = {name: Path(f"further_{name}.csv") for name in ("scores", "resampled", "means")}
    run_script(
        "score_further", given | {"scores": scores["scores"]}, names, run | CFG["mis"] | {"top": 3}
    )
    exponents = read_csv("exponents.csv", "exponents")
    ii = mean_indices(read_csv("scores.csv", "scores"), read_csv("resampled.csv", "resampled"))
    mis = read_csv("further_means.csv", "further_means")
    expected = {
        "exponent": exponents[["layer", "alpha", "alpha_low", "alpha_high"]].assign(metric=""),
        "ii": ii[ii["part"] == "all"][["layer", "mean", "low", "high", "metric"]],
        "mis": mis[mis["score"] == "mis"][["layer", "mean", "low", "high", "metric"]],
    }
    for name, table in expected.items():
        own = found[found["measure"] == name].set_index(["layer", "metric"]).sort_index()
        rules = table.set_index(["layer", "metric"]).sort_index()
        assert len(own) == len(rules) == (2 if name == "exponent" else 4)
        numbers = own[["value", "low", "high"]].to_numpy()
        assert np.isfinite(numbers).all()
        np.testing.assert_allclose(numbers, rules.to_numpy(float), rtol=1e-6)


def test_a_changed_measure_alone_is_measured_again(found, caplog):
    with caplog.at_level("INFO"):
        again = measure(CFG | {"mis": CFG["mis"] | {"slope": 3.0}})
    assert "computed: 1: mis" in caplog.text and "taken from the last run: 2" in caplog.text
    changed = found["measure"] == "mis"
    pd.testing.assert_frame_equal(again[~changed], found[~changed])
    assert (again["value"] != found["value"])[changed].any()


def test_weights_of_a_file_are_the_network_s(found):
    torch.manual_seed(5)
    torch.save(build(NET, None).state_dict(), "same.pt")
    changes = {"weights": {"kind": "file", "path": "same.pt"}, "backbones": []}
    cfg = {key: value for key, value in CFG.items() if key not in ("ii", "mis")} | changes
    table, own = measure(cfg, "of_file"), found[found["measure"] == "exponent"]
    assert {*table["weights"]} == {"file"}
    np.testing.assert_array_equal(table["value"], own["value"])
    assert (table["parameters"] == own["parameters"].iloc[0]).all()


FAILING = {
    "an image of a side that it can't take": (
        {"architecture": {"name": "timm", "model": "test_vit3"}},
        "can't take images of 32 pixels",
    ),
    "a tag that there isn't": (
        {"architecture": {"name": "timm", "model": "test_resnet.no_such"}},
        "no_such",
    ),
    "weights that aren't there": (
        {"weights": {"kind": "file", "path": "weights/timm/test_resnet.safetensors"}},
        "weights/timm/test_resnet.safetensors: no such checkpoint file",
    ),
    "weights of another network": (
        {"weights": {"kind": "file", "path": "other.pt"}},
        "other.pt: doesn't fit the architecture",
    ),
    "activations that aren't finite": (
        {"weights": {"kind": "file", "path": "huge.pt"}},
        "NaN or infinite activation",
    ),
    "no layer of the kinds": ({"layers": [{"type": "Mish"}]}, "has none of zoo.layers"),
}


@pytest.mark.parametrize("what", FAILING)
def test_a_network_that_fails_is_a_row_with_its_reason(what, folder):
    changes, reason = FAILING[what]
    torch.save({"fc.weight": torch.zeros(2, 2)}, "other.pt")
    state = build(NET, None).state_dict()
    torch.save({k: v * 1e30 if v.is_floating_point() else v for k, v in state.items()}, "huge.pt")
    table = measure(CFG | changes, "failing")
    assert len(table) == 1 and table["measure"].item() == "" and np.isnan(table["value"].item())
    assert reason in table["note"].item() and "\n" not in table["note"].item()


MACHINE = {
    "the disk is full": FullDisk(".", "No space left on device"),
    "an error of the disk": OSError(5, "Input/output error"),
    "the memory is full": MemoryError(),
    "torch finds no memory": RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 bytes"),
    "the GPU's memory is full": torch.OutOfMemoryError("CUDA out of memory"),
    "Ctrl-C": KeyboardInterrupt(),
}


@pytest.mark.parametrize("what", MACHINE)
def test_a_fault_of_the_machine_ends_the_job(what, monkeypatch):
    def fail(*arguments: Any) -> None:
        raise MACHINE[what]

    monkeypatch.setattr(network, "build", fail)
    with pytest.raises(type(MACHINE[what])):
        measure(CFG, "ending")
    assert not Path("ending.csv").exists()


def test_a_library_s_own_error_says_its_kind():
    with pytest.raises(NetworkFault, match=r"^KeyError: 'head'$"), told_of_the_network():
        raise KeyError("head")
    assert issubclass(FullDisk, faults.OF_THE_MACHINE)
