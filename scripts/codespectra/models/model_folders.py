"""Folders of language models as transformers saves them: config.json, files, and their digests.

No import of torch or transformers: a plan is checked in seconds.
"""

import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.json_files import MOST_BYTES, content_digest, read_users_json
from codespectra.files.manifests import file_digest
from codespectra.files.regular_files import check_regular, refusing

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
# Weights in several files: this one says which.
INDEX = "model.safetensors.index.json"
SHARDS = "model-*.safetensors"
# Any one of these groups holds a vocabulary.
VOCABULARIES = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
TOKENIZER_FILES = (
    *(name for group in VOCABULARIES for name in group),
    *("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
)


def byte_gpt2_config(architecture: dict[str, Any]) -> dict[str, Any]:
    """Content of config.json of a GPT-2 over bytes: no dropout, no start or end token.

    Args:
        architecture: width, layers, heads, context.
    """
    return {
        "model_type": "gpt2",
        "vocab_size": 256,
        "n_positions": architecture["context"],
        "n_embd": architecture["width"],
        "n_layer": architecture["layers"],
        "n_head": architecture["heads"],
        # GPT-2's own nonlinearity as one fused operation.
        "activation_function": "gelu_pytorch_tanh",
        # GPT-2's spread at its own width of 768, scaled so that narrow networks start as lively.
        "initializer_range": 0.02 * math.sqrt(768 / architecture["width"]),
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def check_folder(path: str | Path) -> None:
    """Check that a folder holds a language model: config.json, safetensors, tokenizer files.

    Raises:
        UserError: names what is missing, and how to get it.
    """
    weight_files(path)
    tokenizer_files(path)


def weight_files(path: str | Path) -> list[str]:
    """Names of the files in a folder that make the network: its config and its weights.

    Raises:
        UserError: one is missing or lies elsewhere, or the weights are no safetensors.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; correct the language model's path")
    names = [CONFIG, *_weights(folder)]
    for name in names:
        if not (folder / name).exists():
            raise UserError(f"{folder}: {name} is missing; fetch or save the model again")
        _check_inside(folder, name, MOST_BYTES if name in (CONFIG, INDEX) else None)
    return names


def _check_inside(folder: Path, name: str, most: int | None) -> None:
    """Refuse what isn't a regular file of the folder itself, or of the hub's cache around it."""
    file, home = (folder / name).resolve(), folder.resolve()
    homes = {home}
    if home.parent.name == "snapshots":
        homes.add(home.parents[1] / "blobs")
    if file.parent not in homes:
        raise UserError(f"{folder / name}: links to {file}, outside the folder; put the file there")
    with refusing(folder / name, "can't be read", "fetch or save the model again"):
        check_regular(file, most)


def _weights(folder: Path) -> list[str]:
    if (folder / WEIGHTS).exists():
        return [WEIGHTS]
    if (folder / INDEX).exists():
        _check_inside(folder, INDEX, MOST_BYTES)
        shards = read_config(folder, INDEX).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise UserError(f"{folder / INDEX}: has no weight_map; fetch or save the model again")
        for shard in shards.values():
            if (
                not isinstance(shard, str)
                or not fnmatchcase(shard, "[!.]*.safetensors")
                or "/" in shard
            ):
                raise UserError(
                    f"{folder / INDEX}: weight_map names {shard!r}, expected a .safetensors beside "
                    "it; fetch or save the model again"
                )
        return [INDEX, *sorted(set(shards.values()))]
    pickled = [file.name for file in sorted(folder.glob("*.bin"))]
    if pickled:
        raise UserError(
            f"{folder}: {pickled[0]} is refused, since unpickling may run code, and there is no "
            f"{WEIGHTS}; load it where you trust it and save_pretrained it as safetensors"
        )
    return [WEIGHTS]


def tokenizer_files(path: str | Path) -> list[str]:
    """Names of the files in a folder that make the tokenizer.

    Raises:
        UserError: none of them holds a vocabulary, or one is too large or lies elsewhere.
    """
    folder = Path(path)
    found = [name for name in TOKENIZER_FILES if (folder / name).exists()]
    if not any(set(group) <= set(found) for group in VOCABULARIES):
        groups = ", or ".join(" with ".join(group) for group in VOCABULARIES)
        raise UserError(
            f"{folder}: the tokenizer's files are missing (expected {groups}); save it there with "
            "tokenizer.save_pretrained"
        )
    for name in found:
        _check_inside(folder, name, MOST_BYTES)
    return found


def read_config(folder: str | Path, name: str = CONFIG) -> dict[str, Any]:
    """What a JSON file of a model's folder says.

    Raises:
        UserError: it can't be read as a JSON object.
    """
    return read_users_json(Path(folder) / name, remedy="fetch or save the model again")


@contextmanager
def listed_alone(folder: str | Path, names: list[str]) -> Iterator[Path]:
    """Yield a folder of links to those files, and of the config: a library can open no others."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory() as made:
        alone = Path(made)
        for name in names:
            if name != CONFIG:
                (alone / name).symlink_to((folder / name).resolve())
        if (folder / CONFIG).exists():
            (alone / CONFIG).write_text(json.dumps(read_config(folder)), "utf-8")
        yield alone


def describe_folder(path: str | Path, tokenizer_path: str | Path) -> dict[str, Any]:
    """What a manifest says of a model's files, for `verify_folder` to compare with.

    Returns:
        folder, tokenizer_folder; files and tokenizer_files: sha256 by name; sha256: of both dicts.
    """
    files = _digests(path, weight_files(path))
    tokenizer = _digests(tokenizer_path, tokenizer_files(tokenizer_path))
    return {
        "folder": str(path),
        "tokenizer_folder": str(tokenizer_path),
        "files": files,
        "tokenizer_files": tokenizer,
        "sha256": content_digest([files, tokenizer]),
    }


def _digests(path: str | Path, names: list[str]) -> dict[str, str]:
    return {name: file_digest(Path(path) / name) for name in names}


def verify_folder(description: dict[str, Any], manifest: str | Path) -> None:
    """Compare a model's files with what its manifest says of them.

    Raises:
        UserError: names the file that is missing or has changed.
    """
    for folder, listed in (("folder", "files"), ("tokenizer_folder", "tokenizer_files")):
        for name, expected in description[listed].items():
            file = Path(description[folder]) / name
            if not file.is_file():
                raise UserError(f"{file}: missing, but {manifest} lists it; delete that and rerun")
            if (found := file_digest(file)) != expected:
                raise UserError(
                    f"{file}: sha256 is {found}, but {manifest} says {expected}; put the old file "
                    "back, or delete the manifest and rerun with the new one"
                )
