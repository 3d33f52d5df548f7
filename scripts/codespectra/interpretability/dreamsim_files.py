"""Which files hold the weights of DreamSim's variants, as its package leaves them in a folder."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.json_files import read_users_json
from codespectra.files.regular_files import refusing, shown

ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
CONFIG = "adapter_config.json"
# What would make it another sum than that of the weights and the scaled product.
UNLIKE = ("enable_lora", "use_rslora", "use_dora", "fan_in_fan_out", "rank_pattern")
REMEDY = "give the cache_dir in which the package dreamsim has left this variant"


@dataclass(frozen=True)
class Transformer:
    """One of the ViT-B that a variant puts side by side: its name, weights, and side of patches."""

    name: str
    file: str
    patch: int

    @property
    def is_clip(self) -> bool:
        """Whether it is CLIP's: a projection of the normalised class token is its output."""
        return "clip" in self.name


@dataclass(frozen=True)
class Variant:
    """Its transformers, and the folder of what their tuning to people's choices has added."""

    transformers: tuple[Transformer, ...]
    adapter: str


def _clip(name: str, patch: int) -> Transformer:
    return Transformer(f"{name}_vitb{patch}", f"{name}_vitb{patch}_pretrain.pth.tar", patch)


DINO = Transformer("dino_vitb16", "checkpoints/dino_vitbase16_pretrain.pth", 16)
VARIANTS = {
    "ensemble": Variant((DINO, _clip("clip", 16), _clip("open_clip", 16)), "ensemble_lora"),
    **{
        one.name: Variant((one,), f"{one.name}_single_lora")
        for one in (DINO, _clip("clip", 32), _clip("open_clip", 32))
    },
}


def dreamsim_files(folder: Path, variant: str) -> list[Path]:
    """The files of a variant: of each transformer, the adapter's numbers, and its config.

    Raises:
        UserError: one isn't there; names the variants that are.
    """
    found = VARIANTS[variant]
    names = [one.file for one in found.transformers]
    adapter = folder / found.adapter
    numbers = next((name for name in ADAPTERS if _is_file(adapter / name)), ADAPTERS[0])
    files = [*(folder / name for name in names), adapter / numbers, adapter / CONFIG]
    if absent := [file for file in files if not _is_file(file)]:
        there = [name for name, one in VARIANTS.items() if _is_file(folder / one.adapter / CONFIG)]
        held = f"holds the variants {', '.join(there)}" if there else "holds no variant"
        missing = shown(absent[0].relative_to(folder))
        raise UserError(f"{shown(folder)}: {held}, and {variant} needs {missing}; {REMEDY}")
    return files


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 — of Path, where one may not look is an error


def adapter_rank(file: Path) -> tuple[int, float]:
    """Rank of the product of an adapter's two matrices, and its factor, from its config.

    Raises:
        UserError: the config isn't that of such an adapter.
    """
    config = read_users_json(file, REMEDY)
    kind, targets = config.get("peft_type"), config.get("target_modules")
    more = [key for key in UNLIKE if config.get(key)]
    if kind != "LORA" or targets != ["qkv"] or more or config.get("bias", "none") != "none":
        also = f" with {more[0]}" if more else ""
        found = shown(f"is of {kind} of {targets}{also}")[:120]
        raise UserError(f"{shown(file)}: {found}, expected plain LORA of ['qkv']; {REMEDY}")
    with refusing(file, "has no rank r, or no lora_alpha", REMEDY):
        rank, factor = int(config["r"]), float(config["lora_alpha"]) / int(config["r"])
        if rank < 1 or not math.isfinite(factor):
            raise ValueError(f"r {rank}, lora_alpha {config['lora_alpha']}")
    return rank, factor
