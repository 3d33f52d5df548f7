"""A small study that reads files of every kind from outside results/."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from gguf_files import tiny_llama, write_gguf
from people_files import (
    CONDITION,
    UNITS,
    answer,
    the_map,
    write_imagenet,
    write_map,
    write_responses,
)
from PIL import Image
from project import Project
from transformers import BertConfig, BertModel, Dinov2Config, Dinov2Model

from codespectra.explanations.neuron_records import NeuronId
from codespectra.explanations.scores import unscored
from codespectra.models.architectures import build
from codespectra.models.byte_gpt2 import byte_tokenizer

COMMIT = "0" * 40
ALEXNET = {"name": "small_alexnet", "widths": [4, 6, 8, 6, 4]}
GIVEN = {"architecture": ALEXNET, "classes": 2}
OWN = """
import torch
from torch import nn
from parts.last import last

def build(weights):
    network = nn.Sequential(nn.Conv2d(3, 30, 3, stride=2), last())
    network[0].load_state_dict(torch.load(weights))
    return network
"""
STUDY: dict[str, Any] = {
    "study": "outside",
    "stimuli": {
        "classes": {"source": "folder", "root": "given/images", "side": 32},
        "listed": {"source": "folder", "root": "given/images", "table": "t.csv", "side": 32},
    },
    "models": {
        "mine": {
            "architecture": {
                **{"name": "python", "target": "given/my_nets.py:build"},
                "arguments": {"weights": "given/conv.pth"},
            },
            "weights": "own",
        },
        "dino": {"architecture": {"name": "transformers", "path": "given/dino"}, "weights": "own"},
        "file": GIVEN | {"weights": "path", "path": "given/a.pth"},
        "package": GIVEN | {"weights": "package", "package": "held", "file": "a.pth"},
        "hub": GIVEN | {"weights": "hub", "repository": "org/net", "file": "a.pth"},
    },
    "spectra": {
        "models": ["mine", "dino", "file", "package", "hub"],
        "stimuli": {
            "mine": ["classes", "listed"],
            **{name: ["classes"] for name in ("dino", "file", "package", "hub")},
        },
        "layers": {
            "mine": ["*"],
            "dino": ["*.mlp"],
            **{name: [{"type": "ReLU"}] for name in ("file", "package", "hub")},
        },
        "reduction": "stride",
        "ranks": [2, 12],
        "resamples": 20,
    },
    "projections": {"draws": 20, "keep": 2},
    "backbones": {"lpips": {"kind": "random"}},
    "people": {
        "responses": "given/answers/responses_main.csv",
        "file_map": "given/answers/map.json",
        "images": "given/imagenet",
        "model": "resnet50",
        "condition": CONDITION,
        "backbone": "lpips",
        "resamples": 100,
    },
    "language": {
        "text": {"source": "folder", "root": "given/text", "test_share": 1},
        "models": {
            "llama": {"weights": "gguf", "path": "given/tiny.gguf"},
            "bert": {"weights": "path", "path": "given/bert", "objective": "encoder"},
            "untrained": {"weights": "random", "like": "bert"},
            "hubbed": {"weights": "hub", "repository": "org/words", "objective": "encoder"},
        },
        "parts": {
            "llama": {"residual": [{"type": "LlamaDecoderLayer"}]},
            "bert": {"residual": [{"type": "BertLayer"}]},
            "hubbed": {"residual": [{"type": "BertLayer"}]},
        },
        "sequences": 24,
        "length": 20,
        "explanations": {
            **{"part": "residual", "units": 3, "top": 8, "random": 6},
            "published": "given/explanations",
        },
    },
}

# Files of every job that reads something of it.
READ = [
    *(f"results/activations/{run}.json" for run in ("mine/classes", "mine/listed", "bert/text")),
    *(f"results/activations/{run}.json" for run in ("hubbed/text", "untrained/text")),
    *(f"results/checkpoints/{name}.json" for name in ("dino", "file", "package", "hub", "llama")),
    *("results/people/agreement.csv", "results/explanations/published.csv"),
]


def write_outside_study(project: Project) -> str:
    """Write the study and its files into a copy: `given` is a link to `elsewhere`."""
    folder, rng = project.folder / "elsewhere", np.random.default_rng(0)
    folder.mkdir()
    (project.folder / "given").symlink_to("elsewhere")
    for index in range(30):
        path = folder / f"images/{'cat' if index % 2 else 'dog'}/{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(256, size=(40, 40, 3), dtype=np.uint8)).save(path)
    rows = [f"{i},{'cat' if i % 2 else 'dog'}/{i}.png" for i in range(20)]
    (folder / "images/t.csv").write_text("\n".join(["stimulus_id,path", *rows]))
    _write_networks(project.folder, folder)
    _write_language(project.folder, folder)
    _write_people(folder)
    line = unscored(NeuronId(layer_index=0, neuron_index=1)).model_dump_json()
    (folder / "explanations/0").mkdir(parents=True)
    (folder / "explanations/0/1.jsonl").write_text(f"{line}\n")
    (project.folder / "outside.yaml").write_text(yaml.safe_dump(STUDY))
    return "outside.yaml"


def _write_networks(project: Path, folder: Path) -> None:
    save_alexnet(folder / "a.pth")
    torch.save(torch.nn.Conv2d(3, 30, 3).state_dict(), folder / "conv.pth")
    (folder / "my_nets.py").write_text(OWN)
    (folder / "parts").mkdir()
    (folder / "parts/last.py").write_text("from torch import nn\n\nlast = nn.ReLU\n")
    # Where Python finds packages in a run.
    package = project / "scripts/held"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(folder / "a.pth", package)
    shutil.copy(folder / "a.pth", _snapshot(project, "org--net"))
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28}
    Dinov2Model(Dinov2Config(patch_size=14, **sizes)).save_pretrained(folder / "dino")


def save_alexnet(file: Path) -> None:
    """Weights for `GIVEN`."""
    torch.manual_seed(0)
    torch.save(build(ALEXNET, 2).state_dict(), file)


def _snapshot(project: Path, name: str) -> Path:
    """Folder of a model in the hub's cache."""
    home = project / f"hub/models--{name}"
    (home / "refs").mkdir(parents=True)
    (home / "refs/main").write_text(COMMIT)
    (home / "snapshots" / COMMIT).mkdir(parents=True)
    return home / "snapshots" / COMMIT


def _write_language(project: Path, folder: Path) -> None:
    (folder / "text/deep").mkdir(parents=True)
    for name in ("a.txt", "deep/b.txt"):
        text = " ".join(map(str, range(400)))
        (folder / "text" / name).write_text(text)
    write_gguf(folder / "tiny.gguf", tiny_llama())
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 256}
    network = BertModel(BertConfig(**sizes, intermediate_size=64), add_pooling_layer=False)
    for place in (folder / "bert", _snapshot(project, "org--words")):
        network.save_pretrained(place)
        byte_tokenizer(64).save_pretrained(place, save_jinja_files=False)


def _write_people(folder: Path) -> None:
    answers = folder / "answers"
    answers.mkdir()
    said = [
        answer(layer=layer, channel=float(channel), batch=1.0, **right)
        for layer, channel in UNITS
        for right in ({}, {"choice": "a", "correct": False})
    ]
    write_responses(answers, *said)
    write_map(answers, json.loads(json.dumps(the_map())))
    write_imagenet(folder / "imagenet")
