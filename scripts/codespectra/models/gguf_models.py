"""Language models of GGUF files as transformers reads them: their config, and folders of them.

Quantised weights become float32. Config and tokenizer come from the file too.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedTokenizerBase,
)

from codespectra.errors import UserError
from codespectra.files.json_files import parse_json
from codespectra.files.regular_files import refusing
from codespectra.models import language_models
from codespectra.models.gguf_header import GGUF_FILE, check_readers, read_header

NAME = "model.gguf"


def read_gguf_config(file: str | Path) -> dict[str, Any]:
    """Content of the config.json that transformers makes of a GGUF file.

    Raises:
        UserError: the file is damaged, or of an architecture that transformers doesn't read.
    """
    read_header(file)
    with _read_by_transformers(file) as where:
        return AutoConfig.from_pretrained(**where).to_dict()


def describe_layers(config: dict[str, Any], objective: str) -> list[dict[str, Any]]:
    """The same as `language_models.describe_layers`, of the file `gguf_file` of a config.

    Raises:
        UserError: as `read_gguf_config`, or the network can't be run.
    """
    return language_models.describe_layers(read_gguf_config(config[GGUF_FILE]), objective)


def convert_gguf(file: str | Path, folder: str | Path) -> None:
    """Save the model of a GGUF file as a folder: config.json, safetensors, the tokenizer's files.

    Raises:
        UserError: the file is damaged, of an architecture that transformers doesn't read, or holds
            more or less than the network's weights.
    """
    config = read_gguf_config(file)
    with _read_by_transformers(file) as where:
        with torch.device("meta"):
            _check_size(file, language_models.initialise(config, "causal"))
        tokenizer = AutoTokenizer.from_pretrained(**where)
        read, report = AutoModelForCausalLM.from_pretrained(
            **where,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            output_loading_info=True,
        )
        if missed := report["missing_keys"] | report["unexpected_keys"]:
            raise ValueError(f"it finds no place for {', '.join(sorted(missed)[:8])}")
        # What was read counts as quantised, and can't be saved.
        network = language_models.initialise(config, "causal")
        network.load_state_dict(read.state_dict())
        tokenizer = _with_tokens_below(tokenizer, len(network.get_input_embeddings().weight))
    language_models.save_language_model(folder, network, tokenizer)


def _check_size(file: str | Path, network: torch.nn.Module) -> None:
    """Refuse a file that the network doesn't take whole: it would be another network.

    transformers passes over tensors that it doesn't know, such as factors of a long context.
    """
    held = sum(read_header(file).tensors.values())
    weights = sum(weight.numel() for weight in network.parameters())
    if held != weights:
        raise UserError(
            f"{file}: its tensors hold {held:,} numbers, but {type(network).__name__} of "
            f"transformers has {weights:,} weights; give the model's safetensors as weights: path"
        )


def _with_tokens_below(tokenizer: PreTrainedTokenizerBase, count: int) -> PreTrainedTokenizerBase:
    """The tokenizer without those that transformers adds to the file's, which have no embedding."""
    content = parse_json(tokenizer.backend_tokenizer.to_str().encode())
    content["added_tokens"] = [t for t in content["added_tokens"] if t["id"] < count]
    backend = Tokenizer.from_str(json.dumps(content))
    return type(tokenizer)(**(tokenizer.init_kwargs | {"tokenizer_object": backend}))


@contextmanager
def _read_by_transformers(file: str | Path) -> Iterator[dict[str, Any]]:
    """Arguments of from_pretrained for a file, beside which it finds no other."""
    check_readers()
    with (
        refusing(
            file,
            "no language model that transformers reads",
            "take another file, or give the model's safetensors as weights: path",
        ),
        tempfile.TemporaryDirectory() as alone,
    ):
        Path(alone, NAME).symlink_to(Path(file).resolve())
        yield {
            "pretrained_model_name_or_path": alone,
            "gguf_file": NAME,
            "local_files_only": True,
            "trust_remote_code": False,
        }
