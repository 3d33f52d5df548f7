"""Language models of transformers: initialised, inspected, saved and opened.

Weights are safetensors alone, and no code of a model's folder is run.
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_PRETRAINING_MAPPING,
    MODEL_MAPPING,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from codespectra.errors import UserError
from codespectra.files import full_disk
from codespectra.files.manifests import read_manifest
from codespectra.files.regular_files import refusing
from codespectra.files.whole_files import atomic, temporary_beside
from codespectra.models import model_folders
from codespectra.models.axes import Axes
from codespectra.models.layer_listing import Layer, list_calls
from codespectra.models.pretrained_folders import load_pretrained
from codespectra.models.tokenizer_trial import try_tokenizer
from codespectra.models.transformers_config import known_config

# An encoder is what is under the heads of others.
OBJECTIVES = {
    "causal": AutoModelForCausalLM,
    "masked": AutoModelForMaskedLM,
    "encoder": AutoModel,
}
CONFIGS = {
    "causal": MODEL_FOR_CAUSAL_LM_MAPPING,
    "masked": MODEL_FOR_MASKED_LM_MAPPING,
    "encoder": MODEL_MAPPING,
}
# Of an encoder, above all rows a token: no layer of it can be chosen, and it needn't be there.
POOLER = "pooler."
TOKENIZER = "tokenizer.json"
NAMES = {
    "causal": "causal language model",
    "masked": "masked language model",
    "encoder": "network without a head",
}
# Tokens of the pass that finds the layers.
INSPECTED_TOKENS = 4


# Layers ------------------------------------------------------------------------------------------


def describe_layers(config: dict[str, Any], objective: str) -> list[dict[str, Any]]:
    """Layers of a transformers config as plain dicts, from a pass on the meta device: no weights.

    Args:
        config: content of config.json.
        objective: causal, masked or encoder.

    Raises:
        UserError: transformers has no such language model, it brings code of its own, or it can't
            be run.
    """
    with refusing(model_folders.CONFIG, "its network can't be run", "correct its values"):
        with torch.device("meta"):
            network = initialise(config, objective)
        return [asdict(layer) for layer in inspect_layers(network)]


def initialise(config: dict[str, Any], objective: str) -> PreTrainedModel:
    """A language model with random weights, float32, from the content of its config.json.

    Raises:
        UserError: transformers has no such language model, or it brings code of its own.
    """
    known = _known_config(config, objective)
    return OBJECTIVES[objective].from_config(known, dtype=torch.float32).eval()


def _known_config(
    config: dict[str, Any], objective: str, source: str | Path = model_folders.CONFIG
) -> PreTrainedConfig:
    known = known_config(config, source)
    if type(known) not in CONFIGS[objective]:
        raise UserError(
            f"{source}: model_type {known.model_type!r} has no {NAMES[objective]} in "
            "transformers; correct the model's objective, or take another one"
        )
    return known


def inspect_layers(network: nn.Module) -> list[Layer]:
    """List every module call of a pass over 4 tokens whose output is a row a token, in order.

    The output is a tensor (1, 4, D), or a tuple that begins with one; a layer's shape is (D,).
    """

    def width(output: torch.Tensor) -> tuple[int] | None:
        return (output.shape[-1],) if output.shape[:-1] == (1, INSPECTED_TOKENS) else None

    tokens = torch.zeros(1, INSPECTED_TOKENS, dtype=torch.long)
    return list_calls(network, tokens, Axes("NT", 0), width)


# Files -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LanguageModel:
    """A network in evaluation mode, float32, with its tokenizer and its manifest."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    description: dict[str, Any]


def open_language_model(manifest: str | Path) -> LanguageModel:
    """Open the model that a manifest describes, after a check of its files' digests.

    Raises:
        UserError: a file is missing, changed or damaged, or the weights don't fit.
    """
    description = read_manifest(manifest)
    model_folders.verify_folder(description, manifest)
    network = load_network(description["folder"], description["objective"])
    tokenizer = load_tokenizer(description["tokenizer_folder"])
    check_vocabulary(network, tokenizer, description["tokenizer_folder"])
    return LanguageModel(network, tokenizer, description)


def load_network(folder: str | Path, objective: str) -> PreTrainedModel:
    """The network of a folder in evaluation mode, float32, every weight from its safetensors.

    Raises:
        UserError: the folder is incomplete, asks for code of its own, or the weights don't fit.
    """
    model_folders.weight_files(folder)
    content = model_folders.read_config(folder)
    config = _known_config(content, objective, Path(folder) / model_folders.CONFIG)
    if objective == "encoder":
        return load_pretrained(
            AutoModel,
            folder,
            config,
            spare=lambda unread: _keys_of_heads(unread, config),
            unneeded=POOLER,
        )
    return load_pretrained(
        OBJECTIVES[objective], folder, config, lambda unread: unread & _pretraining_keys(config)
    )


def _keys_of_heads(unread: set[str], config: PreTrainedConfig) -> set[str]:
    """Names of weights that lie in no module of the network without a head."""
    with torch.device("meta"):
        network = AutoModel.from_config(config, dtype=torch.float32)
    own = {name for name, _ in network.named_children()}
    prefix = f"{network.base_model_prefix}."
    return {name for name in unread if name.removeprefix(prefix).split(".")[0] not in own}


def _pretraining_keys(config: PreTrainedConfig) -> set[str]:
    # Beside the language model, such as BERT's next-sentence head: files of the hub have them.
    if type(config) not in MODEL_FOR_PRETRAINING_MAPPING:
        return set()
    with torch.device("meta"):
        return set(AutoModelForPreTraining.from_config(config, dtype=torch.float32).state_dict())


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder.

    Raises:
        UserError: the files are missing or damaged, or ask for code of their own.
    """
    names = model_folders.tokenizer_files(folder)
    if TOKENIZER in names:
        try_tokenizer(Path(folder) / TOKENIZER)
    with (
        refusing(folder, "the tokenizer can't be loaded", "fetch or save it again"),
        model_folders.listed_alone(folder, names) as alone,
    ):
        tokenizer = AutoTokenizer.from_pretrained(
            alone, local_files_only=True, trust_remote_code=False
        )
        # Some values are read only now.
        tokenizer.decode(tokenizer("Is it one?", add_special_tokens=False)["input_ids"])
    return tokenizer


def check_vocabulary(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> None:
    """Refuse a tokenizer that may give tokens which the network has no embedding of.

    Raises:
        UserError: says its largest id, and how many the network knows.
    """
    rows = network.get_input_embeddings().weight.shape[0]
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if not 0 <= largest < rows:
        raise UserError(
            f"{folder}: the tokenizer's ids go up to {largest}, but the network's embedding has "
            f"{rows} rows; give the tokenizer that belongs to the network"
        )


def save_language_model(
    folder: str | Path, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None = None
) -> None:
    """Save config.json and one safetensors file, and the tokenizer's two, each whole or absent."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [model_folders.WEIGHTS, model_folders.CONFIG]
    with full_disk.told(folder.parent), temporary_beside(folder) as temporary:
        network.save_pretrained(temporary, max_shard_size=1 << 62)
        if tokenizer is not None:
            names += ["tokenizer.json", "tokenizer_config.json"]
            tokenizer.save_pretrained(temporary, save_jinja_files=False)
        for name in names:
            # Copied, since safetensors lets nobody but the owner read what it writes.
            with atomic(folder / name) as whole:
                shutil.copyfile(temporary / name, whole)
