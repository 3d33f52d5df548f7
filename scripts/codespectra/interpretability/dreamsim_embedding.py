"""DreamSim: the distance of vision transformers that were tuned to people's choices.

Fu et al. 2023: d(x, y) = 1 - cos(e(x), e(y)), where e are the class tokens of one or several ViT-B
side by side, less their mean. Its package downloads code as it loads: here the transformers are
timm's, and the tuning, a product of two thin matrices in each block, is added to their weights.
"""

import re
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from timm.layers import QuickGELU
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.files.regular_files import shown
from codespectra.interpretability.dreamsim_files import (
    REMEDY,
    VARIANTS,
    Transformer,
    adapter_rank,
    dreamsim_files,
)
from codespectra.models.state_dicts import read_state_dict
from codespectra.models.tensor_files import check_types, check_values

WIDTH, DEPTH, HEADS = 768, 12, 12  # of a ViT-B
SIDE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# Of which transformer of the variant, of which block, and which of the two matrices.
ADDED = re.compile(r"\bextractor_list\.(\d+)\..*\bblocks\.(\d+)\.attn\.qkv\.lora_([AB])\.weight$")

State = dict[str, torch.Tensor]


class Dreamsim:
    """The transformers of a variant, whose joint output is an image's embedding."""

    def __init__(
        self, folder: str | Path, variant: str, device: torch.device, *, width: int = WIDTH
    ):
        """Read a variant from the folder that holds its weights.

        Args:
            folder: as the package dreamsim has left it.
            variant: one of `VARIANTS`.
            device: where it runs.
            width: of the transformers, in tests another.

        Raises:
            UserError: a file is missing, damaged, or another variant's.
        """
        parts = VARIANTS[variant].transformers
        *files, adapter, config = dreamsim_files(Path(folder), variant)
        rank, factor = adapter_rank(config)
        added = _read_adapter(adapter, variant, width, rank)
        self.branches: dict[str, _Branch] = {}
        for number, (part, file) in enumerate(zip(parts, files, strict=True)):
            branch = _Branch(part, file, width)
            for block, attention in enumerate(branch.network.blocks):
                attention.attn.qkv.weight.data += factor * added[number, block]
            self.branches[part.name] = branch.eval().to(device)
        settings = {"side": SIDE, "resize": SIDE, "interpolation": "bicubic"}
        self.preprocess = Preprocess(settings | {"mean": (0,) * 3, "std": (1,) * 3}, device)

    @torch.inference_mode()
    def embed(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Embeddings of uint8 images (N, H, W, 3): {transformer: (N, d)}, float32.

        Squared distances, added up over the transformers, are DreamSim's distance.
        """
        pixels = self.preprocess(images)
        found = {name: branch(pixels) for name, branch in self.branches.items()}
        joint = torch.cat([*found.values()], dim=1)
        joint = joint - joint.mean(dim=1, keepdim=True)
        # |x - y|^2 = 2 (1 - cos) of unit rows.
        unit = joint / (2**0.5 * joint.norm(dim=1, keepdim=True))
        parts = unit.split([rows.shape[1] for rows in found.values()], dim=1)
        return {name: part.cpu().numpy() for name, part in zip(found, parts, strict=True)}


class _Branch(nn.Module):
    """A transformer's class token (N, d): as its last block leaves it, or as CLIP projects it."""

    def __init__(self, part: Transformer, source: Path, width: int):
        super().__init__()
        state = _as_named_here(read_state_dict(source), part)
        norm = partial(nn.LayerNorm, eps=1e-5 if part.is_clip else 1e-6)
        self.network = VisionTransformer(
            img_size=SIDE,
            patch_size=part.patch,
            embed_dim=width,
            depth=DEPTH,
            num_heads=HEADS,
            num_classes=0,
            norm_layer=norm,
            act_layer=QuickGELU if part.name.startswith("clip") else nn.GELU,
        )
        if part.is_clip:
            self.network.norm_pre = norm(width)
            columns = state.get("projection.weight", torch.empty(1)).shape[0]
            self.projection = nn.Linear(width, columns, bias=False)
        else:
            self.network.norm = self.projection = nn.Identity()
        mean, std = (CLIP_MEAN, CLIP_STD) if part.is_clip else (MEAN, STD)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self._load(state, source)

    def _load(self, state: State, source: Path) -> None:
        own = self.state_dict()
        wrong = [n for n in own | state if n not in own or n not in state] or [
            n for n in own if own[n].shape != state[n].shape
        ]
        if wrong:
            name = wrong[0]
            shapes = [tuple(x[name].shape) if name in x else "none" for x in (state, own)]
            found = f"{name} has shape {shapes[0]}, expected {shapes[1]}"
            raise UserError(f"{shown(source)}: {found}: weights of another network; {REMEDY}")
        check_types({name: value.dtype for name, value in state.items()}, own, source)
        check_values(state, source)
        self.load_state_dict(state)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.projection(self.network((pixels - self.mean) / self.std))


def _as_named_here(state: State, part: Transformer) -> State:
    """Under the names of `_Branch`; without DINO's last norm, which the class token hasn't seen."""
    if not part.is_clip:
        return {f"network.{n}": state[n] for n in state if not n.startswith("norm.")}
    renamed = {f"network.{n.replace('pos_drop', 'norm_pre')}": state[n] for n in state}
    if "network.proj" in renamed:
        renamed["projection.weight"] = renamed.pop("network.proj").T
    return renamed


def _read_adapter(
    file: Path, variant: str, width: int, rank: int
) -> dict[tuple[int, int], torch.Tensor]:
    """What is added to the weights (3 width, width) of each transformer and block, not yet scaled.

    Raises:
        UserError: the adapter is that of another variant.
    """
    state, count = read_state_dict(file), len(VARIANTS[variant].transformers)
    places = {name: ADDED.search(name) for name in state}
    found = {
        (int(place[1]), int(place[2]), place[3]): state[name]
        for name, place in places.items()
        if place
    }
    blocks = [*product(range(count), range(DEPTH))]
    if None in places.values() or found.keys() != {(*b, m) for b in blocks for m in "AB"}:
        words = f"holds {len(state)} tensors, the first {shown(next(iter(state)))}"
        expected = f"lora_A and lora_B of {DEPTH} blocks in each of {count} transformers"
        raise UserError(f"{shown(file)}: {words}; {variant} has {expected}; {REMEDY}")
    shapes = {"A": (rank, width), "B": (3 * width, rank)}
    for (part, block, which), matrix in found.items():
        if matrix.shape != shapes[which]:
            where = f"lora_{which} of block {block} of transformer {part}"
            words = f"{where} has shape {tuple(matrix.shape)}, expected {shapes[which]}"
            raise UserError(f"{shown(file)}: {words}; {REMEDY}")
    check_values(state, file)
    return {block: found[*block, "B"].float() @ found[*block, "A"].float() for block in blocks}
