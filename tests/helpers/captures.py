"""Captures of tiny networks that may die at a batch, and all that a captured file holds."""

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel

from codespectra.capture.images import Twice, capture
from codespectra.capture.layout import Written
from codespectra.capture.text import capture_text, select_parts
from codespectra.data.preprocessing import Preprocess
from codespectra.data.tokenization import Cut, cut_sequences, tokens_of
from codespectra.files.hdf5_files import open_hdf5
from codespectra.models import language_models
from codespectra.models.byte_gpt2 import byte_tokenizer
from codespectra.models.hooks import Wanted
from codespectra.models.layer_listing import inspect_layers

# Images ------------------------------------------------------------------------------------------

SETTINGS = {"side": None, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
REDUCTIONS = ("spatial_mean", "stride", "none")


class Reused(nn.Module):
    """One ReLU module that runs after each of two convolutions, as in a residual block."""

    def __init__(self, inplace: bool):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 40, 3, padding=1), nn.Conv2d(40, 6, 3, stride=2)
        self.relu, self.fc = nn.ReLU(inplace=inplace), nn.Linear(6, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.relu(self.conv1(images))
        return self.fc(self.relu(self.conv2(hidden)).mean(dim=(2, 3)))


class Dropping(nn.Module):
    """Convolution, BatchNorm, ReLU, dropout, readout."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8)
        self.relu, self.dropout, self.fc = nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.dropout(self.relu(self.bn(self.conv(images)))).mean(dim=(2, 3)))


class Watched(Preprocess):
    """Notes which images the network is fed, and dies at the batch of that number."""

    def __init__(self, dies_at: int | None = None):
        super().__init__(SETTINGS, torch.device("cpu"))
        self.dies_at, self.fed = dies_at, []

    def __call__(self, images: np.ndarray) -> torch.Tensor:
        if len(self.fed) == self.dies_at:
            raise KeyboardInterrupt
        self.fed.append(images)
        return super().__call__(images)


def reused(inplace: bool = True) -> Reused:
    torch.manual_seed(0)
    return Reused(inplace).eval()


def dropping() -> Dropping:
    torch.manual_seed(0)
    return Dropping()


def pictures(count: int = 90) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(count, 16, 16, 3), dtype=np.uint8)


def layers_of(network: nn.Module, *reductions: str) -> list[Wanted]:
    """All layers of a network, each in every reduction."""
    layers = [vars(layer) for layer in inspect_layers(network, 16)]
    return [Wanted(layer, reduction) for layer in layers for reduction in reductions]


def capture_images(path: Path, **changes) -> Written:
    """Capture all layers and reductions of the first network; any argument may be changed."""
    arguments = {
        "network": reused(),
        "preprocess": Watched(),
        "images": pictures(),
        "labels": None,
        "wanted": layers_of(reused(), *REDUCTIONS),
        "dtype": "float32",
        "batch": 16,
        "attributes": {"model": "small", "seed": 3},
    }
    return capture(path, **(arguments | changes))


def capture_noisy(path: Path, stored: np.ndarray | None = None, **changes) -> dict[str, np.ndarray]:
    """Capture both passes of the network with dropout: rows 0 to 89, and 90 to 179."""
    arguments = {
        "network": dropping(),
        "images": Twice(pictures() if stored is None else stored),
        "wanted": layers_of(dropping(), "none"),
        "attributes": {},
        "noisy": True,
    }
    torch.seed()  # what was drawn before has no part in the noise
    capture_images(path, **(arguments | changes))
    return read(path)


def read(path: Path) -> dict[str, np.ndarray]:
    """All datasets of a file by their keys, but for the names of their axes."""
    found = {}

    def add(key: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and not item.is_scale:
            found[key] = item[:]

    with open_hdf5(path) as file:
        file.visititems(add)
    return found


# Text --------------------------------------------------------------------------------------------

CONTEXT, LENGTH, BATCH = 24, 12, 5
GPT_PARTS = {
    "mlp": ["*.mlp.act"],
    "attention": ["transformer.h.*.attn"],
    "residual": [{"type": "GPT2Block"}],
}


def gpt() -> PreTrainedModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=256, n_positions=CONTEXT, n_embd=32, n_layer=3, n_head=4, initializer_range=0.3
    )
    return GPT2LMHeadModel(config).eval()


def bert() -> PreTrainedModel:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=256,
        max_position_embeddings=CONTEXT,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        initializer_range=0.3,
    )
    return BertForMaskedLM(config).eval()


def sequences() -> list[Cut]:
    """Twenty-six sequences of 6 to 12 tokens."""
    drawn = np.random.default_rng(0)
    return cut_sequences(
        [drawn.integers(1, 256, size=size).tolist() for size in (100, 6, 33, 8, 83, 69)], LENGTH
    )


def parts_of(network: PreTrainedModel, parts: dict) -> dict[str, list[Wanted]]:
    return select_parts(parts, [vars(layer) for layer in language_models.inspect_layers(network)])


def capture_tokens(
    path: Path, network: PreTrainedModel | None = None, **changes
) -> dict[str, np.ndarray]:
    """Capture all parts of the small GPT-2; any argument may be changed. Datasets by layer."""
    network = network or gpt()
    chosen = parts_of(type(network)(network.config), changes.pop("parts", GPT_PARTS))
    cuts = changes.pop("cuts", sequences())
    arguments = {
        "wanted": [item for part in chosen.values() for item in part],
        "dtype": "float32",
        "batch": BATCH,
        "attributes": {"model": "small"},
    }
    tokens = tokens_of(cuts, byte_tokenizer(CONTEXT))
    capture_text(path, network, cuts, tokens, **(arguments | changes))
    with open_hdf5(path) as file:
        return {name: file[f"tokens/{name}"][:] for name in file["tokens"]}


class Dying:
    """Lets a language model die at the pass of that number; notes how many sequences it saw."""

    def __init__(self, network: PreTrainedModel, at: int | None = None):
        self.at, self.shown, self.passes = at, 0, 0
        network.register_forward_pre_hook(self)

    def __call__(self, module: nn.Module, inputs: tuple) -> None:
        if self.passes == self.at:
            raise KeyboardInterrupt
        self.passes += 1
        self.shown += len(inputs[0])
