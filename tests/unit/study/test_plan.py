"""Layers that a plan selects; what is remembered of them between starts."""

import shutil
import subprocess
import sys
from pathlib import Path

import checked_plans
import pytest
import torch
from checked_plans import checked_plan, mistakes
from project import MINI, changed, read_config

from codespectra.files.json_files import write_json
from codespectra.models.architectures import build
from codespectra.study import plan, remembered
from codespectra.study.remembered import cached_layers

NETWORK = {"name": "small_alexnet", "widths": [2, 3, 4, 3, 2]}, 10, 32
LIBRARY = Path(plan.__file__).parents[1]


def test_a_plan_imports_nothing_that_takes_seconds() -> None:
    asked = "import sys, codespectra.study.plan; print(*sys.modules)"
    environment = {"PYTHONPATH": str(LIBRARY.parent)}
    done = subprocess.run(
        [sys.executable, "-c", asked], env=environment, text=True, capture_output=True, check=True
    )
    slow = {"torch", "torchvision", "timm", "transformers", "pandas", "scipy", "sklearn"}
    assert not slow & {*done.stdout.split()}


def remember_nothing_of(folder: Path) -> None:
    """Have every note of layers say that there are none."""
    for note in folder.glob("*.json"):
        if '"layers":' in note.read_text():
            write_json(note, {"layers": []})


def test_layers_are_remembered(tmp_path: Path) -> None:
    assert cached_layers(tmp_path)(*NETWORK)
    remember_nothing_of(tmp_path)
    assert cached_layers(tmp_path)(*NETWORK) == []


@pytest.mark.parametrize("stimuli", [["test"], ["test", "train", "tiles"]])
def test_a_network_is_described_once_whatever_it_is_shown(stimuli, monkeypatch) -> None:
    asked, layers = [], checked_plans.LAYERS
    monkeypatch.setattr(checked_plans, "LAYERS", lambda *one: asked.append(one) or layers(*one))
    config = {key: read_config(MINI)[key] for key in ("study", "stimuli", "models", "spectra")}
    checked_plan(changed(config, {"spectra.stimuli": stimuli}))
    assert len(asked) == 1


@pytest.mark.parametrize("package", ["torch", "torchvision", "timm", "transformers"])
def test_another_version_of_a_package_lists_layers_anew(package, tmp_path, monkeypatch) -> None:
    layers, installed = cached_layers(tmp_path)(*NETWORK), remembered.version
    remember_nothing_of(tmp_path)
    monkeypatch.setattr(
        remembered, "version", lambda name: "0" if name == package else installed(name)
    )
    assert cached_layers(tmp_path)(*NETWORK) == layers


@pytest.mark.parametrize(("module", "anew"), [("small_resnet", True), ("byte_gpt2", False)])
def test_an_edit_of_a_network_lists_layers_anew(module, anew, tmp_path, monkeypatch) -> None:
    layers = cached_layers(tmp_path)(*NETWORK)
    remember_nothing_of(tmp_path)
    library = shutil.copytree(LIBRARY, tmp_path / "codespectra")
    with (library / f"models/{module}.py").open("a") as file:
        file.write("\nEDITED = True\n")
    monkeypatch.setattr(remembered, "__file__", str(library / "study/remembered.py"))
    assert cached_layers(tmp_path)(*NETWORK) == (layers if anew else [])


def with_weights(path: Path, count: int | None) -> dict:
    architecture = {"name": "small_alexnet", "widths": [2, 3, 4, 3, 2]}
    torch.save(build(architecture, 23).state_dict(), path)
    mine = {"architecture": architecture, "weights": "path", "path": str(path), "classes": count}
    changes = {"models.mine": mine, "spectra.models": ["mine"], "spectra.layers": ["classifier"]}
    return changed(
        read_config(MINI),
        changes | {"spectra.reduction": "none", "filters": {}, "robustness": None},
    )


def test_classes_left_out_are_those_of_the_weights_or_the_training_set(tmp_path: Path) -> None:
    config = with_weights(tmp_path / "weights.pt", None)
    found = checked_plan(changed(config, {"spectra.ranks": [2, 12]}))
    assert found.selected["spectra", "mine", "test"][0]["shape"] == [23]
    assert (found.classes["mine"], found.classes["classifier"]) == (23, 10)


def test_other_classes_than_those_of_the_weights_are_refused(tmp_path: Path) -> None:
    told = "config: models.mine.classes: 10, but its weights have 23; leave it out, or take other"
    found = mistakes(with_weights(tmp_path / "w.pt", 10))
    assert [line for line in found if "classes" in line and line.startswith(told)] == found[:1]


def test_types_of_layers_are_those_that_the_selectors_find() -> None:
    relus = {"spectra.layers": ["relu", "layer1.0.conv*"], "filters": {"layers": ["relu"]}}
    found = checked_plan(changed(read_config(MINI), relus))
    assert found.layer_types("spectra", [("classifier", "test")]) == ["ReLU", "Conv2d"]
    assert found.layer_types("filters", [("classifier", "test")]) == ["ReLU"]


def test_null_switches_filters_off() -> None:
    study = read_config(MINI) | {"filters": None}
    study.pop("coding", None)
    assert not any(kind == "filters" for kind, *_ in checked_plan(study).selected)
