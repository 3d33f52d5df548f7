"""A folder of DreamSim's weights in its package's layout: random values, narrow layers."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from codespectra.interpretability.dreamsim_files import VARIANTS, Transformer

WIDTH, DEPTH, RANK, PROJECTED = 48, 12, 2, 20
CONFIG = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "bias": "none"}
CONFIG |= {"lora_dropout": 0.3, "target_modules": ["qkv"]}
LAYERS = {"attn.qkv": (3, 1), "attn.proj": (1, 1), "mlp.fc1": (4, 1), "mlp.fc2": (1, 4)}
ADDED = "base_model.model.extractor_list.{}.model.blocks.{}.attn.qkv.lora_{}.weight"
IMAGES = np.random.default_rng(1).integers(256, size=(4, 2, 2, 3), dtype=np.uint8)


def write_weights(folder: Path, variant: str, suffix: str = "safetensors") -> None:
    """Write the files of a variant, whose values follow from its name and theirs."""
    found = VARIANTS[variant]
    for part in found.transformers:
        file = folder / part.file
        file.parent.mkdir(parents=True, exist_ok=True)
        state = _filled(part.name, _shapes(part))
        torch.save({"state_dict": state} if part.is_clip else state, file)
    adapter, shapes = folder / found.adapter, {"A": (RANK, WIDTH), "B": (3 * WIDTH, RANK)}
    adapter.mkdir(parents=True, exist_ok=True)
    (adapter / "adapter_config.json").write_text(json.dumps(CONFIG))
    places = [(n, block) for n in range(len(found.transformers)) for block in range(DEPTH)]
    added = {ADDED.format(*p, matrix): shapes[matrix] for p in places for matrix in shapes}
    write = save_file if suffix == "safetensors" else torch.save
    write(_filled(variant, added), adapter / f"adapter_model.{suffix}")


def _shapes(part: Transformer) -> dict[str, tuple[int, ...]]:
    found = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, (224 // part.patch) ** 2 + 1, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, part.patch, part.patch),
        "patch_embed.proj.bias": (WIDTH,),
    }
    norms = ["pos_drop", "norm"] if part.is_clip else ["norm"]
    for block in range(DEPTH):
        norms += [f"blocks.{block}.norm1", f"blocks.{block}.norm2"]
        for name, (out, into) in LAYERS.items():
            found[f"blocks.{block}.{name}.weight"] = (out * WIDTH, into * WIDTH)
            found[f"blocks.{block}.{name}.bias"] = (out * WIDTH,)
    for name in norms:
        found |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    return found | ({"proj": (WIDTH, PROJECTED)} if part.is_clip else {})


def _filled(seed: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    random = np.random.default_rng([*seed.encode()])
    found = {name: 0.2 * random.standard_normal(shape) for name, shape in shapes.items()}
    return {name: torch.tensor(values, dtype=torch.float32) for name, values in found.items()}
