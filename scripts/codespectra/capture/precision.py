"""How exactly a network computes while it is captured, and how far that is from float32.

float32 is IEEE's on every device: the TensorFloat-32 that torch's convolutions take on a GPU
unasked, with 10 bits for the digits, is what `tf32` asks for. bfloat16 is torch's autocast:
multiplications of matrices and convolutions with 7 bits, all else in float32.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from codespectra.capture.activation_file import Load, Show
from codespectra.errors import UserError
from codespectra.models.hooks import Wanted

log = logging.getLogger("codespectra")

EXACT = "float32"
AMPERE = (8, 0)  # compute capability of the first GPUs with TensorFloat-32
SAMPLE = 32  # stimuli that are shown in float32 too


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that a device hasn't: its numbers would be float32 under another name.

    Raises:
        UserError: tf32 on anything but an NVIDIA GPU from Ampere on.
    """
    if precision != "tf32":
        return
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= AMPERE:
        return
    found = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
    raise UserError(
        f"capture.precision: tf32 is of NVIDIA's GPUs from Ampere on, and this job computes on "
        f"{found}; set float32 or bfloat16"
    )


@contextmanager
def computing(precision: str, device: torch.device) -> Iterator[None]:
    """While open, this thread computes at a precision on a device."""
    backends = torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn
    before = [backend.fp32_precision for backend in backends]
    for backend in backends:
        backend.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            yield
    finally:
        for backend, found in zip(backends, before, strict=True):
            backend.fp32_precision = found


def differences(
    load: Load, show: Show, count: int, wanted: list[Wanted], precision: str, device: torch.device
) -> dict[str, float]:
    """How far each dataset is from float32, by its key: the norm of the difference over the norm.

    Args:
        load, show: of `write_rows`; one stimulus is shown at a time.
        count: of stimuli, of which up to 32 at even distances are taken.
        wanted: the datasets.
        precision: of the capture; float32 is compared with nothing.
        device: that the network is on.
    """
    if precision == EXACT:
        return {}
    squares = {item.key: torch.zeros(2, dtype=torch.float64) for item in wanted}
    taken = min(count, SAMPLE)
    for at in (count * k // taken for k in range(taken)):
        rows = slice(at, at + 1)
        with torch.inference_mode():
            loaded = load(rows)
            exact, ours = (_shown(show, loaded, rows, how, device) for how in (EXACT, precision))
        for key, total in squares.items():
            off = ours[key] - exact[key]
            total += torch.stack([off.square().sum(), exact[key].square().sum()])
    far = {key: float((off / size).sqrt()) if size else 0.0 for key, (off, size) in squares.items()}
    ordered = sorted(far, key=far.__getitem__)
    log.info(
        "%s differs from float32 by %.2g of the norm in the median dataset, by %.2g at most (%s), "
        "in %d stimuli",
        *(precision, far[ordered[len(ordered) // 2]], far[ordered[-1]], ordered[-1], taken),
    )
    return far


def _shown(
    show: Show, loaded: Any, rows: slice, precision: str, device: torch.device
) -> dict[str, torch.Tensor]:
    """Each dataset of a stimulus, in float64 on the CPU."""
    kept: dict[str, torch.Tensor] = {}

    def keep(item: Wanted, values: torch.Tensor) -> None:
        kept[item.key] = values.cpu().double()

    with computing(precision, device):
        show(loaded, rows, keep)
    return kept
