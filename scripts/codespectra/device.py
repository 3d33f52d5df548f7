"""Where tensors are computed."""

import torch

from codespectra.errors import UserError


def resolve_device(wanted: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`; `auto` takes a GPU when one is there.

    Raises:
        UserError: `cuda` is wanted and no GPU is visible.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UserError(
            "runtime.device: cuda, but torch sees no GPU on this machine; set it to auto or cpu"
        )
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")
