"""Files of tensors (.pt, .pth, .safetensors), none of which may run code when it is read."""

import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from codespectra.errors import UserError, first_line
from codespectra.files.whole_files import atomic


def read_tensors(path: Path, device: str | torch.device = "cpu") -> Any:
    """What a .pt, .pth or .safetensors holds, with its tensors on a device.

    Raises:
        UserError: the file is damaged, no checkpoint, or needs more than tensors to unpickle.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path, str(device))
        _check_sums(path)
        return torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        # The rest of torch's message advises to unpickle the file all the same.
        reason = re.search(r"Unsupported operand \d+|GLOBAL \S+|$", str(error))[0]
        raise UserError(
            f"{path}: refused: no checkpoint, or one that may run code when unpickled, since it "
            f"holds more than tensors ({reason}); save model.state_dict(), or safetensors"
        ) from error
    except Exception as error:  # Unpickling a damaged file raises nearly anything.
        raise UserError(
            f"{path}: damaged or no checkpoint ({first_line(error)}); fetch or make it again"
        ) from error


def _check_sums(path: Path) -> None:
    """Compare a zip's members with their CRC-32, which torch.load passes over."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            if damaged := file.testzip():
                raise ValueError(f"CRC-32 of {damaged}")


def save_tensors(path: str | Path, content: Any) -> None:
    """torch.save, atomically and without the file's name inside: same content, same bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
