"""State dicts of anybody's files: found in what they are wrapped in, and fitted to a network."""

import logging
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError
from codespectra.files.manifests import check_digest
from codespectra.files.regular_files import check_regular, refusing
from codespectra.models.efficientnet_names import timm_names
from codespectra.models.tensor_files import check_tensors, check_types, check_values, read_tensors

log = logging.getLogger("codespectra")

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
AVERAGES = ("model_ema", "state_dict_ema", "ema_state_dict", "ema")
PREFIXES = ("module.", "_orig_mod.")
# Counted in training alone: batches of BatchNorm, models of torch's averages.
COUNTERS = ("num_batches_tracked", "n_averaged")
# Names of torchvision's DenseNets before Python had underscores there (torchvision's own rule).
OLD_DENSENET = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$"
)


def read_state_dict(
    path: str | Path,
    sha256: str | None = None,
    *,
    key: str | None = None,
    strip_prefix: str | None = None,
) -> dict[str, torch.Tensor]:
    """Read a state dict from .pt, .pth or .safetensors; wrappers and prefixes are taken off.

    Args:
        path: of the file.
        sha256: that it must have.
        key: under which the weights are, where it isn't one of `WRAPPERS`.
        strip_prefix: of the names that count; others are left out, in words.

    Raises:
        UserError: the file is missing, has another digest, needs more than tensors to unpickle,
            or holds no state dict.
    """
    path = Path(path)
    with refusing(path, "no such checkpoint file", "correct the model's path"):
        check_regular(path)
    if sha256 is not None:
        check_digest(path, sha256)
    state = _unwrap(_under(read_tensors(path), key, path), path)
    if strip_prefix is not None:
        state = _strip(state, strip_prefix.removesuffix(".") + ".", path)
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(
            f"{path}: holds no state dict (a mapping of names to tensors, alone or under "
            f"{', '.join(WRAPPERS)}); save model.state_dict(), or say with key where it is"
        )
    check_tensors(state, path)
    return state


def _under(content: Any, key: str | None, path: Path) -> Any:
    if key is None:
        return content
    for part in key.split("."):
        if not isinstance(content, dict) or part not in content:
            held = ", ".join(map(str, content)) if isinstance(content, dict) else "no mapping"
            raise UserError(f"{path}: no key {key!r}; it holds {held[:200]}")
        content = content[part]
    return content


def _unwrap(content: Any, path: Path) -> dict[str, Any]:
    """Take off wrappers and prefixes, in whatever order they were put on."""
    while isinstance(content, dict):
        inside = next((content[k] for k in WRAPPERS if isinstance(content.get(k), dict)), None)
        if inside is not None:
            if averages := [k for k in AVERAGES if k in content]:
                log.warning(
                    "%s: its averaged weights %s are left alone; take them by key",
                    path,
                    averages[0],
                )
            content = inside
            continue
        named = [str(name) for name in content if str(name) not in COUNTERS]
        prefix = next((p for p in PREFIXES if named and all(n.startswith(p) for n in named)), None)
        if prefix is None:
            return content
        content = _renamed(content, {n: n.removeprefix(prefix) for n in named})
    return {}


def _strip(state: dict[str, Any], prefix: str, path: Path) -> dict[str, Any]:
    names = {name: name.removeprefix(prefix) for name in state if name.startswith(prefix)}
    if not names:
        raise UserError(
            f"{path}: no name begins with strip_prefix {prefix!r}; {_beginnings(state)}"
        )
    if len(names) < len(state):
        log.info("%s: %d tensors beside %s* left out", path, len(state) - len(names), prefix)
    return _renamed(state, names)


def _renamed(state: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[name]: value for name, value in state.items() if name in names}


def _beginnings(state: dict[str, Any]) -> str:
    found = sorted({name.split(".")[0] for name in state})
    return f"names begin with {', '.join(found[:8])}"


def as_named_here(state: Mapping[str, torch.Tensor], own: Iterable[str]) -> dict[str, torch.Tensor]:
    """A state dict under the names of the network that it is for, where other libraries' differ."""
    renamed = timm_names(state, own)
    return {OLD_DENSENET.sub(r"\1\2", renamed[name]): value for name, value in state.items()}


def load_weights(network: nn.Module, state: dict[str, torch.Tensor], source: str | Path) -> None:
    """Load `state` into `network`, every key and shape matching, every value finite.

    What only training counts may be missing, or there.

    Raises:
        UserError: lists the missing, unexpected and misshapen keys, or names a tensor of another
            type or with NaNs.
    """
    own = network.state_dict()
    state = as_named_here(state, own)
    counted = {name: value for name, value in own.items() if name.endswith(COUNTERS)}
    state = counted | {n: v for n, v in state.items() if n in own or not n.endswith(COUNTERS)}
    problems = {
        "missing": [name for name in own if name not in state],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
            for name in own
            if name in state and state[name].shape != own[name].shape
        ],
    }
    if any(problems.values()):
        listed = "; ".join(
            f"{len(names)} {what}: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
            for what, names in problems.items()
            if names
        )
        raise UserError(
            f"{source}: doesn't fit the architecture {type(network).__name__}: {listed}; "
            + _advice(state, own)
        )
    check_types({name: value.dtype for name, value in state.items()}, own, source)
    # Finite as the network has it: a number may be too large for single precision.
    check_values({name: state[name].to(own[name].dtype) for name in own}, source)
    fitting: Any = OrderedDict(state)
    # Of which version each module's names are: without it some networks expect their oldest.
    fitting._metadata = own._metadata
    network.load_state_dict(fitting)


def _advice(state: dict[str, torch.Tensor], own: dict[str, torch.Tensor]) -> str:
    """What to change in the config: a prefix, the number of classes, or the architecture."""
    beginning = next(iter(state)).split(".")[0] + "."
    if all(n.startswith(beginning) and n.removeprefix(beginning) in own for n in state):
        return f"all its names begin with {beginning}: set strip_prefix: {beginning[:-1]}"
    wrong = [n for n in own if n in state and state[n].shape != own[n].shape]
    if wrong and set(state) == set(own) and all(n in list(own)[-2:] for n in wrong):
        return f"set the model's classes: {len(state[wrong[0]])}"
    return "correct the model's architecture or classes"
