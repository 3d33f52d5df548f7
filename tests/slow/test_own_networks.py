"""Networks of a user's own code, of timm and of a transformers folder, through the workflow."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import transformers
import yaml
from PIL import Image
from project import Project, copy_project

from codespectra.models.checkpoints import load_checkpoint

OWN = """
from torch import nn

def build(width):
    return nn.Sequential(nn.Conv2d(3, width, 3, stride=2), nn.ReLU())
"""
VIT = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28}
STUDY = {
    "study": "own",
    "stimuli": {
        "photos": {
            **{"source": "photographs", "split": "test", "side": 40},
            **{"per_class": 30, "crops": [64, 96]},
        }
    },
    "models": {
        "mine": {
            "architecture": {
                **{"name": "python", "target": "my_nets.py:build", "arguments": {"width": 30}},
            },
            "weights": "own",
            "trained": False,
        },
        "vit": {
            "architecture": {"name": "timm", "model": "test_vit"},
            "weights": "random",
            "preprocessing": {"from": "model"},
        },
        "dino": {
            "architecture": {"name": "transformers", "path": "dino"},
            "weights": "own",
            "preprocessing": {"from": "model"},
        },
    },
    "spectra": {
        "models": ["mine", "vit", "dino"],
        "stimuli": ["photos"],
        "layers": {"mine": ["*"], "vit": ["blocks.?"], "dino": ["*.mlp"]},
        "reduction": "stride",
        "ranks": [2, 20],
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("own"))
    (project.folder / "my_nets.py").write_text(OWN)
    (project.folder / "setup.py").write_text("raise SystemExit('executed')\n")
    torch.manual_seed(0)
    network = transformers.Dinov2Model(transformers.Dinov2Config(patch_size=7, **VIT))
    network.save_pretrained(project.folder / "dino")
    processor = transformers.BitImageProcessor(size={"shortest_edge": 32}, crop_size=28)
    processor.save_pretrained(project.folder / "dino")
    (project.folder / "own.yaml").write_text(yaml.safe_dump(STUDY))
    done = project.snakemake(study="own.yaml")
    assert done.returncode == 0, done.stdout
    return project


def test_activations_are_those_of_a_plain_pass(project: Project):
    results = project.folder / "results"
    with h5py.File(results / "stimuli/photos.h5") as file:
        images = file["images"][:20]
    with h5py.File(results / "activations/dino/photos.h5") as file:
        found = file["stride/encoder.layer.1.mlp"][:20]
    pixels = np.stack([np.asarray(Image.fromarray(x).resize((32, 32), 3)) for x in images])
    settings = json.loads((results / "checkpoints/dino.json").read_text())["preprocessing"]
    scaled = (pixels[:, 2:30, 2:30] / 255 - settings["mean"]) / settings["std"]
    network, outputs = load_checkpoint(results / "checkpoints/dino.json").network, []
    network.encoder.layer[1].mlp.register_forward_hook(lambda *given: outputs.append(given[2]))
    with torch.no_grad():
        network(torch.tensor(scaled, dtype=torch.float32).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found, outputs[0].flatten(1), atol=1e-5)


def test_edited_code_reruns_what_it_makes_and_nothing_else(project: Project):
    assert project.would_run("main", study="own.yaml") == {}
    file = Path(project.folder / "my_nets.py")
    file.write_text(OWN.replace("stride=2", "stride=1"))
    again = project.would_run("main", study="own.yaml")
    assert (again["import_checkpoint"], again["capture_activations"]) == (1, 1)
    assert "initialise_checkpoint" not in again and "make_stimuli" not in again
    file.write_text(OWN)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"spectra.reduction": "spatial_mean"},
            "spectra.reduction for models.dino: encoder.layer.0.mlp: spatial_mean doesn't fit",
        ),
        (
            {"models.vit.architecture.model": "vit_tinny_patch16_224"},
            "models.vit.architecture.model: timm has no model 'vit_tinny_patch16_224'; did you",
        ),
        (
            {"models.mine.architecture.target": "my_net.py:build"},
            "models.mine.architecture: target: 'my_net.py:build': no such file",
        ),
        ({"spectra.layers": {"mine": ["*"]}}, "no layers for it; "),
    ],
)
def test_mistakes_are_told_before_anything_runs(project: Project, changes, words):
    study = json.loads(json.dumps(STUDY))
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = study
        for parent in parents:
            section = section[parent]
        section[last] = value
    (project.folder / "wrong.yaml").write_text(yaml.safe_dump(study))
    assert words in project.failure("--dry-run", study="wrong.yaml")
