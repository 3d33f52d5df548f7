"""Networks of transformers with the weights of their folder, of which nothing else is opened."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from codespectra.errors import UserError
from codespectra.files.regular_files import refusing
from codespectra.models import model_folders
from codespectra.models.tensor_files import SAFE, check_types, check_values, stored_types

log = logging.getLogger("codespectra")


def load_pretrained(
    auto: Any,
    folder: str | Path,
    config: PreTrainedConfig,
    spare: Callable[[set[str]], set[str]],
    unneeded: str | None = None,
) -> PreTrainedModel:
    """The network of a folder in evaluation mode, float32, every weight from its safetensors.

    Args:
        auto: transformers' class, such as AutoModel.
        folder: as save_pretrained writes it.
        config: of the network.
        spare: of names that the folder has and the network hasn't, those that may stay unread.
        unneeded: what names begin with that the network has and the folder needn't.

    Raises:
        UserError: the folder is incomplete, or the weights don't fit.
    """
    names = model_folders.weight_files(folder)
    stored: dict[str, torch.dtype | str] = {}
    for name in names:
        if name.endswith(SAFE):
            stored |= stored_types(Path(folder) / name)
    with (
        refusing(folder, "the weights can't be loaded", "fetch or save the model again"),
        model_folders.listed_alone(folder, names) as alone,
    ):
        network, report = auto.from_pretrained(
            alone,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    unread, absent = set(report["unexpected_keys"]), set(report["missing_keys"])
    needless = spare(unread) | {name for name in absent if unneeded and name.startswith(unneeded)}
    if needless:
        log.info("%s: not read, since never run: %s", folder, _listed(needless))
    for what, missed in (("missing", absent - needless), ("unexpected", unread - needless)):
        if missed:
            raise UserError(
                f"{folder}: {len(missed)} {what} weights for {type(network).__name__}: "
                f"{_listed(missed)}; correct the model's objective, or its config.json"
            )
    own = dict(network.named_parameters())
    for prefix in ("", f"{network.base_model_prefix}."):
        check_types({prefix + name: kind for name, kind in stored.items()}, own, folder)
    check_values(network.state_dict(), folder)
    return network.eval()


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)[:8]) + (", …" if len(names) > 8 else "")
