"""The device that a job computes on: a GPU that it has to itself, or the CPU."""

import logging

import torch

from codespectra.errors import UserError
from codespectra.jobs.gpu_lock import release_device, take_device

log = logging.getLogger("codespectra")


def resolve_device(wanted: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`; `auto` takes a GPU when one is there.

    A GPU belongs to this process until it ends; when others hold all of them, it waits for one.

    Raises:
        UserError: `cuda` is wanted and no GPU is visible, or the GPUs' locks can't be kept.
    """
    if wanted == "cpu":
        return torch.device("cpu")
    taken = take_device()  # before torch looks, since CUDA reads CUDA_VISIBLE_DEVICES once
    if torch.cuda.is_available():
        return torch.device("cuda")
    release_device()
    if wanted == "cuda":
        raise UserError(
            "runtime.device: cuda, but torch sees no GPU on this machine; set it to auto or cpu"
        )
    if taken:
        log.warning("torch can't use %s: computing on the CPU", taken)
    return torch.device("cpu")
