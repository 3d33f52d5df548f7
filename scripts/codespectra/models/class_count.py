"""How many classes weights tell apart: the size of what grows with the number of classes."""

from collections.abc import Mapping
from typing import Any

import torch

from codespectra.models import libraries
from codespectra.models.architectures import build
from codespectra.models.state_dicts import as_named_here, read_state_dict

# Architectures that say themselves how many numbers they put out.
WITH_THEIR_OWN = ("python", "transformers", "open_clip")


def count_classes(
    architecture: dict[str, Any],
    path: str | None,
    key: str | None,
    strip_prefix: str | None,
    stamp: Any,
) -> int | None:
    """Classes of a file of weights; without a path, of torchvision's published ones.

    Args:
        architecture: `resolved`.
        path: of the file, of which `stamp` says whether it is the same.
        key, strip_prefix: of `read_state_dict`.
        stamp: only tells what is remembered apart.

    Raises:
        UserError: the file can't be read, or torchvision has no such network or weights.
    """
    if path is None:
        published = libraries.torchvision_weights(architecture["model"], architecture["published"])
        return len(published.meta["categories"])
    return classes_of(architecture, read_state_dict(path, key=key, strip_prefix=strip_prefix))


def classes_of(architecture: dict[str, Any], state: Mapping[str, torch.Tensor]) -> int | None:
    """Classes of a state dict; None where no tensor of it grows with their number.

    Raises:
        UserError: the network can't be built.
    """
    if architecture["name"] in WITH_THEIR_OWN:
        return None
    with torch.device("meta"):
        some, more = (build(architecture, count).state_dict() for count in (7, 11))
    state = as_named_here(state, some)
    heads = [name for name in some if name in state and some[name].shape != more[name].shape]
    return state[heads[-1]].shape[0] if heads else None
