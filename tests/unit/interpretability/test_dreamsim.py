"""DreamSim: the distances of its package on the same weights, and weights of another variant."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from dreamsim_weights import CONFIG, IMAGES, WIDTH, write_weights
from safetensors.torch import load_file, save_file

from codespectra.errors import UserError
from codespectra.interpretability.dreamsim_embedding import Dreamsim
from codespectra.interpretability.dreamsim_files import VARIANTS

# Of dreamsim 0.2.1 with torch 2.13 and peft 0.21, by tests/helpers/dreamsim_peer.py.
PEER = json.loads((Path(__file__).parent / "dreamsim_distances.json").read_text())
CPU = torch.device("cpu")


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_squared_distances_are_the_packages(tmp_path, variant, suffix):
    write_weights(tmp_path, variant, suffix)
    parts = Dreamsim(tmp_path, variant, CPU, width=WIDTH).embed(IMAGES)
    assert list(parts) == [one.name for one in VARIANTS[variant].transformers]
    rows = np.concatenate([*parts.values()], axis=1, dtype=np.float64)
    distances = np.square(rows[:, None] - rows).sum(axis=2)
    np.testing.assert_allclose(distances, PEER[variant], atol=1e-6)


def rename(folder: Path, old: str, new: str) -> None:
    (folder / old).rename(folder / new)


def change(folder: Path, config: dict) -> None:
    file = folder / "dino_vitb16_single_lora/adapter_config.json"
    file.write_text(json.dumps(CONFIG | config))


def drop(folder: Path, ending: str) -> None:
    file = folder / "dino_vitb16_single_lora/adapter_model.safetensors"
    state = load_file(file)
    save_file({name: state[name] for name in state if not name.endswith(ending)}, file)


def pickled(folder: Path) -> None:
    torch.save({"cls_token": Path()}, folder / "checkpoints/dino_vitbase16_pretrain.pth")


DINO, ENSEMBLE = "dino_vitb16_single_lora", "ensemble_lora"
WRONG = {
    "another variant's folder": (
        lambda folder: write_weights(folder, "clip_vitb32") or rename(folder, DINO, "moved"),
        f"holds the variants clip_vitb32, and dino_vitb16 needs {DINO}/adapter_model.safetensors",
    ),
    "no weights": (lambda folder: rename(folder, "checkpoints", "c"), "needs checkpoints/dino_vit"),
    "an ensemble's adapter": (
        lambda folder: [
            *(write_weights(folder, "ensemble"), rename(folder, DINO, "moved")),
            rename(folder, ENSEMBLE, DINO),
        ],
        "holds 72 tensors, the first base_model.model.extractor_list.0.model.blocks.0.attn.qkv",
    ),
    "half an adapter": (lambda folder: drop(folder, "7.attn.qkv.lora_B.weight"), "holds 23 tenso"),
    "another rank": (
        lambda folder: change(folder, {"r": 16}),
        "lora_A of block 0 of transformer 0 has shape (2, 48), expected (16, 48)",
    ),
    "no rank": (
        lambda folder: change(folder, {"r": 0}),
        "has no rank r, or no lora_alpha",
    ),
    "no factor": (lambda folder: change(folder, {"lora_alpha": math.nan}), "r 2, lora_alpha nan"),
    "another kind of adapter": (
        lambda folder: change(folder, {"peft_type": "IA3"}),
        "is of IA3 of",
    ),
    "a scale by the root": (lambda folder: change(folder, {"use_rslora": True}), "with use_rslora"),
    "code in weights": (pickled, "refused: no checkpoint, or one that may run code"),
}


@pytest.mark.parametrize(("spoil", "words"), WRONG.values(), ids=WRONG)
def test_weights_of_another_variant_are_refused_in_one_line(tmp_path, spoil, words):
    write_weights(tmp_path, "dino_vitb16")
    spoil(tmp_path)
    with pytest.raises(UserError) as caught:
        Dreamsim(tmp_path, "dino_vitb16", CPU, width=WIDTH)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_network_of_another_width_is_refused(tmp_path):
    write_weights(tmp_path, "clip_vitb32")
    with pytest.raises(UserError, match=r"lora_A of block 0 .* has shape \(2, 48\), .*\(2, 768\)"):
        Dreamsim(tmp_path, "clip_vitb32", CPU)
    file = tmp_path / "clip_vitb32_single_lora/adapter_model.safetensors"
    wider = {
        n: value.repeat(1, 16) if "_A" in n else value.repeat(16, 1)
        for n, value in load_file(file).items()
    }
    save_file(wider, file)
    with pytest.raises(UserError, match="weights of another network; give the cache_dir"):
        Dreamsim(tmp_path, "clip_vitb32", CPU)
