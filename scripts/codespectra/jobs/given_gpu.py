"""The GPU of a job that does without one unless it is given one: NumPy's work, or torch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def given_gpu(resources: Mapping[str, Any], wanted: str) -> torch.device | None:
    """The GPU of a job whose rule has one; None without importing torch, which takes a second.

    `snakemake --set-resources fit_spectra:gpu=1` gives the rule one.

    Args:
        resources: of the job.
        wanted: auto, cpu or cuda.

    Raises:
        UserError: `cuda` is wanted and torch sees no GPU.
    """
    if not resources.get("gpu") or wanted == "cpu":
        return None
    from codespectra.jobs.device import resolve_device

    device = resolve_device(wanted)
    return device if device.type == "cuda" else None
