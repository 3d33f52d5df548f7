"""docs/your_network.md: each snippet gives a plan, and networks that need no download are built."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
import yaml
from checked_plans import checked_plan
from PIL import Image
from project import ROOT

from codespectra.models.architectures import build, build_with_weights

PAGE = (ROOT / "docs/your_network.md").read_text()
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)]
WHOLE = [block for block in BLOCKS if "study" in block]
SNIPPETS = [block for block in BLOCKS if "study" not in block]
MY_NETS = """
from torch import nn

def build(width):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU())
"""
SET = {"source": "photographs", "split": "test", "per_class": 60, "side": 64, "crops": [64, 96]}
CONVOLUTIONS = [{"type": "Conv2d"}]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with small ones of all files that the page names."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_nets.py").write_text(MY_NETS)
    options = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.Dinov2Config(patch_size=7, image_size=28, **options)
    transformers.Dinov2Model(config).save_pretrained(folder / "models/dinov2")
    processor = transformers.BitImageProcessor(size={"shortest_edge": 32}, crop_size=28)
    processor.save_pretrained(folder / "models/dinov2")
    (folder / "checkpoints").mkdir()
    network = build({"name": "pytorch_cifar10", "model": "resnet50"}, 7)
    torch.save(network.state_dict(), folder / "checkpoints/resnet50.pt")
    for name in ("cat", "dog"):
        (folder / "data/mine" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"data/mine/{name}/0.png")
        (folder / "data/pictures" / name).mkdir(parents=True)
        for number in range(200):  # as many as its K-Means asks for
            Image.new("RGB", (8, 8)).save(folder / f"data/pictures/{name}/{number}.png")
    listed = folder / "data/shown"
    listed.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(listed / "a.png")
    (listed / "stimuli.csv").write_text("stimulus_id,path,label\nfirst,a.png,cup\n")
    (folder / "data/cifar-10-batches-py").mkdir()
    return folder


def test_a_whole_study_gives_a_plan(files, monkeypatch):
    monkeypatch.chdir(files)
    assert WHOLE
    for study in WHOLE:
        assert checked_plan(study).selected["directions", "vit", "images"]


def study_of(number: int) -> dict[str, Any]:
    """A study of a snippet, with the stimuli of all and the models of those before it."""
    stimuli = {"photos": SET}
    for snippet in SNIPPETS:
        stimuli |= snippet.get("stimuli", {})
    models: dict[str, Any] = {}
    for snippet in SNIPPETS[: number + 1]:
        models |= snippet.get("models", {})
    study = {
        "study": "own",
        "stimuli": stimuli,
        "models": models,
        "spectra": {"models": [*models], "stimuli": [*stimuli], "reduction": "stride"},
        "directions": {
            **{"runs": [{"model": "vit", "stimuli": "photos"}], "analysis_set": "photos"},
            **{"layers": CONVOLUTIONS, "methods": {"neurons": {}}},
        },
    }
    for name, section in SNIPPETS[number].items():
        if name not in ("models", "stimuli"):
            study[name] = study.get(name, {}) | section
    layers = study["spectra"].get("layers", {})
    study["spectra"]["layers"] = dict.fromkeys(models, CONVOLUTIONS) | layers
    return study


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_gives_a_plan_and_its_networks(number, files, monkeypatch):
    monkeypatch.chdir(files)
    plan = checked_plan(study_of(number))
    assert all(plan.selected["spectra", name, "photos"] for name in plan.study.models)
    named = SNIPPETS[number].get("models", {})
    for name in (n for n in plan.models if n in named or n.rpartition("-s")[0] in named):
        model, architecture = plan.models[name], plan.architectures[name]
        own = model.weights == "own"
        network = (
            build_with_weights(architecture) if own else build(architecture, plan.classes[name])
        )
        assert sum(value.numel() for value in network.parameters())
    if "path" in {model.weights for model in plan.models.values()}:
        assert plan.classes["mine"] == 7
    if "backbones" in SNIPPETS[number]:
        assert [layer["name"] for layer in plan.embedded["features", "photos"]] == [
            f"layer{stage}" for stage in (1, 2, 3, 4)
        ]


def test_the_page_has_snippets_of_every_door():
    doors = {
        m["architecture"]["name"]
        for snippet in SNIPPETS
        for m in snippet.get("models", {}).values()
    }
    assert doors == {"timm", "torchvision", "transformers", "python", "pytorch_cifar10"} | {
        "bottleneck_resnet"
    }
