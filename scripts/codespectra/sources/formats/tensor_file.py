"""A tensor as `torch.save` writes it, of which nothing but numbers is unpickled."""

import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codespectra.files.regular_files import check_regular, refusing
from codespectra.sources.held import Held, why_not
from codespectra.sources.rows import FileRows, place

if TYPE_CHECKING:
    import torch


@contextmanager
def open_tensor(path: Path) -> Iterator[Held]:
    """The tensor of a .pt, under the file's name without its suffix.

    bfloat16 becomes float32.

    Raises:
        UserError: the file is damaged, or holds more than a tensor of plain numbers.
    """
    import torch

    with refusing(path, "no tensor that can be read without running code", "save it as .npy"):
        check_regular(path)
        with zipfile.ZipFile(path) as file:
            # As torch writes it; else what is mapped would be no numbers.
            if any(member.compress_type for member in file.infolist()):
                raise ValueError("it is packed")
        tensor = _mapped(path)
        is_short = tensor.dtype == torch.bfloat16
        kind = torch.float32 if is_short else tensor.dtype
        shape, dtype = tuple(tensor.shape), torch.empty(0, dtype=kind).numpy().dtype
        del tensor
    # Mapped anew for each slab: what was read of a map counts as memory until it is closed.
    rows = FileRows(
        place(path, path.stem),
        shape,
        dtype,
        lambda start, stop: _mapped(path)[start:stop].detach().to(kind).resolve_neg().numpy(),
    )
    held = Held(remarks=[f"{path.stem}: bfloat16, read as float32"] if is_short else [])
    held.add(path.stem, why_not(shape, dtype) or rows)
    yield held


def _mapped(path: Path) -> "torch.Tensor":
    """The tensor, of which nothing is in memory yet."""
    import torch

    try:
        tensor = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:  # whose words go on to advise that
        raise TypeError("it holds more than tensors") from error
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"it holds a {type(tensor).__name__}, expected one tensor")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        raise TypeError(f"it holds a tensor of layout {tensor.layout} and type {tensor.dtype}")
    return tensor
