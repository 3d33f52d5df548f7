"""Tensors in a .safetensors, read where they lie; bfloat16 becomes float32."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from codespectra.files.json_files import parse_json
from codespectra.files.regular_files import open_regular, refusing, shown
from codespectra.sources.held import Held, Passed, why_not
from codespectra.sources.rows import WHOLE, place, plain_rows

TYPES = {
    **{name: np.dtype(f"<{name.lower()[0]}{int(name[1:]) // 8}") for name in ("F64", "F32", "F16")},
    **{name: np.dtype(f"<i{int(name[1:]) // 8}") for name in ("I64", "I32", "I16", "I8")},
    **{name: np.dtype(f"<u{int(name[1:]) // 8}") for name in ("U64", "U32", "U16", "U8")},
    "BOOL": np.dtype(bool),
    "BF16": np.dtype("<u2"),  # the upper half of a float32
}


@contextmanager
def open_safetensors(path: Path) -> Iterator[Held]:
    """The tensors of a .safetensors, by name.

    Raises:
        UserError: the file is damaged.
    """
    from safetensors import safe_open

    with refusing(path, "damaged, or no .safetensors", WHOLE):
        file = open_regular(path)
        # Its header is held to the file's size, without gaps and overlaps, and read once more here.
        with safe_open(path, "numpy"):
            length = int.from_bytes(file.read(8), "little")
            header = parse_json(file.read(length))
    held = Held()
    header.pop("__metadata__", None)
    with file:
        for key, told in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            shape, kind, begin = tuple(told["shape"]), told["dtype"], told["data_offsets"][0]
            if kind not in TYPES:
                held.add(key, Passed(f"of type {kind}", "save it as F32"))
            elif refused := why_not(shape, TYPES[kind]):
                held.add(key, refused)
            else:
                where = place(path, key)
                rows = plain_rows(file, where, 8 + length + begin, shape, TYPES[kind])
                if kind == "BF16":
                    rows = rows.converted(np.dtype(np.float32), _widened)
                    held.remarks.append(f"{shown(key)}: bfloat16, read as float32")
                held.add(key, rows)
        yield held


def _widened(upper: np.ndarray) -> np.ndarray:
    """Float32 of bfloat16, which is its upper half."""
    return (upper.astype(np.uint32) << 16).view(np.float32)
