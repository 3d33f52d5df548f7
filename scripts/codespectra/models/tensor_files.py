"""Files of tensors (.pt, .pth, .safetensors), none of which may run code when it is read."""

import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from codespectra.errors import UserError
from codespectra.files.regular_files import check_regular, refusing
from codespectra.files.whole_files import atomic

SAFE = ".safetensors"
# Of weights; what else counts as floating is scaled elsewhere.
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
STORED = dict(zip(("F16", "BF16", "F32", "F64"), FLOATS, strict=True))
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
STATE_DICT = "save model.state_dict(), or safetensors"
ANEW = "fetch or make it again"


def read_tensors(path: str | Path, device: str | torch.device = "cpu") -> Any:
    """What a .pt, .pth or .safetensors holds, with its tensors on a device.

    Raises:
        UserError: the file is damaged, no checkpoint, or needs more than tensors to unpickle.
    """
    path = Path(path)
    with refusing(path, "damaged or no checkpoint", ANEW):
        check_regular(path)
        if path.suffix.lower() == SAFE:
            return load_file(path, str(device))
        _check_form(path)
        try:
            return torch.load(path, map_location=device, weights_only=True)
        except Exception as error:
            # torch's message goes on to advise unpickling the file all the same.
            if "weights_only" not in str(error) and "weights only" not in str(error).lower():
                raise
            why = re.search(r"Unsupported operand \d+|GLOBAL \S+|$", str(error))[0]
            raise UserError(
                f"{path}: refused: no checkpoint, or one that may run code when unpickled, since "
                f"it holds more than tensors ({why}); {STATE_DICT}"
            ) from error


def _check_form(path: Path) -> None:
    """Refuse archives of code, and zips that are damaged or larger inside than outside.

    torch.load passes over a zip's sums, and never compresses what it writes.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            if any(Path(member.filename).name == "constants.pkl" for member in members):
                raise UserError(f"{path}: refused: TorchScript, which holds code; {STATE_DICT}")
            unpacked, packed = sum(member.file_size for member in members), path.stat().st_size
            if unpacked > packed:
                raise ValueError(f"{unpacked:,} bytes of content in a file of {packed:,}")
            if damaged := file.testzip():
                raise ValueError(f"CRC-32 of {damaged}")
    elif tarfile.is_tarfile(path):
        raise UserError(f"{path}: refused: a tar archive, as torch wrote before 0.4; {STATE_DICT}")


def check_tensors(state: Mapping[Any, Any], source: str | Path) -> None:
    """Refuse what no network can take: names that are no text, tensors that are no plain arrays.

    Raises:
        UserError: names the first of them.
    """
    for name, tensor in state.items():
        if not isinstance(name, str) or not name.isprintable():
            raise UserError(f"{source}: a tensor is named {name!r}, expected text; {STATE_DICT}")
        found = _kind(tensor)
        if found:
            raise UserError(f"{source}: {name} is {found}, expected plain numbers; {STATE_DICT}")


def _kind(tensor: torch.Tensor) -> str:
    if tensor.is_meta:
        return "a meta tensor, without values"
    if tensor.is_quantized:
        return f"quantised ({tensor.dtype})"
    if tensor.is_nested or tensor.layout != torch.strided:
        return f"sparse or nested ({tensor.layout})"
    return ""


def stored_types(path: str | Path) -> dict[str, torch.dtype | str]:
    """Type of each tensor of a .safetensors, from its header; one of no weights by its name there.

    Raises:
        UserError: the file is damaged.
    """
    with refusing(path, "damaged or no checkpoint", ANEW):
        check_regular(path)
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            found = {name: file.get_slice(name).get_dtype() for name in names}
    return {name: STORED.get(kind, kind) for name, kind in found.items()}


def check_types(
    found: Mapping[str, torch.dtype | str], own: Mapping[str, torch.Tensor], source: str | Path
) -> None:
    """Refuse tensors of another kind of number than the network's own of the same name.

    Weights of half precision are taken as single.

    Raises:
        UserError: names the first of them.
    """
    for name in own.keys() & found.keys():
        expected = own[name].dtype
        if found[name] not in (FLOATS if expected in FLOATS else INTEGERS):
            raise UserError(
                f"{source}: {name} is of type {found[name]}, expected {expected}; give weights "
                "that aren't quantised"
            )


def check_values(state: Mapping[str, torch.Tensor], source: str | Path) -> None:
    """Refuse weights that are no finite numbers, and variances below 0.

    Raises:
        UserError: names the first tensor, how many of its values are wrong, and of how many
            tensors that is true.
    """
    wrong = {}
    for name, tensor in state.items():
        if tensor.is_floating_point():
            bad = ~tensor.isfinite()
            if name.endswith("running_var"):
                bad |= tensor < 0
            if count := int(bad.sum()):
                wrong[name] = f"{count} of {tensor.numel()} values"
    if wrong:
        name, found = next(iter(wrong.items()))
        more = f" (and in {len(wrong) - 1} more tensors)" if len(wrong) > 1 else ""
        what = "NaN, infinite or negative" if name.endswith("running_var") else "NaN or infinite"
        raise UserError(
            f"{source}: {found} of {name} are {what}{more}; give whole weights (a training that "
            "diverged needs a lower learning rate)"
        )


def save_tensors(path: str | Path, content: Any) -> None:
    """torch.save, atomically and without the file's name inside: same content, same bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
