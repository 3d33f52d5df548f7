"""The header of a GGUF file, of llama.cpp: what it says of its network, and which tensors it holds.

Bounded before a library reads the file: counts and lengths in it are anybody's. No import of torch
or transformers: a plan is checked in seconds.

Source: the specification of GGUF in https://github.com/ggml-org/ggml, versions 2 and 3.
"""

import importlib.util
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from codespectra.errors import UserError
from codespectra.files.regular_files import open_regular, refusing

MAGIC = b"GGUF"
VERSIONS = (2, 3)
# Formats of a value by the number of its type; then a text, and an array.
SCALARS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
# Of known models: 300 pairs, 1.5 million values of arrays, some thousand tensors of 4 axes, tokens
# of some hundred bytes, a chat's template of 100 kB.
MOST_PAIRS, MOST_VALUES, MOST_TENSORS, MOST_AXES = 10_000, 1 << 23, 100_000, 8
MOST_IN_ARRAY, MOST_TEXT = 1 << 12, 1 << 20
# The densest type of tensor has 1.56 bits a number.
MOST_A_BYTE = 8
# With which transformers reads such a file.
READERS = ("gguf", "accelerate")


# The key of a config that stands for a network which a file describes.
GGUF_FILE = "gguf_file"


@dataclass
class GgufHeader:
    """What a file says of itself.

    Attributes:
        values: by key, such as `llama.block_count`; of an array the number of its values.
        tensors: how many numbers each holds, by name.
    """

    values: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, int] = field(default_factory=dict)

    @property
    def network(self) -> dict[str, Any]:
        """Values of the network itself, without the architecture in their keys."""
        own = f"{self.values.get('general.architecture')}."
        return {k.removeprefix(own): v for k, v in self.values.items() if k.startswith(own)}


def check_readers() -> None:
    """Refuse to go on where a package is missing that transformers reads such files with.

    Raises:
        UserError: names it, and the command that installs it.
    """
    missing = [name for name in READERS if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"a GGUF file is read with {' and '.join(missing)}, not installed here; run "
            f"pip install {' '.join(missing)}"
        )


def read_header(path: str | Path) -> GgufHeader:
    """The header of a file.

    Raises:
        UserError: it is no GGUF of little-endian numbers, truncated, or larger inside than any
            model.
    """
    with (
        refusing(path, "no whole GGUF file", "fetch it again, or correct the path"),
        open_regular(path) as file,
    ):
        return _Reader(file, Path(path).stat().st_size).header()


class _Reader:
    """Reads on from where the file stands."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.values_left = file, size, MOST_VALUES

    def header(self) -> GgufHeader:
        if (magic := self.file.read(len(MAGIC))) != MAGIC:
            raise ValueError(f"it begins with {magic!r} instead of {MAGIC!r}")
        if (version := self.number("I")) not in VERSIONS:
            raise ValueError(f"version {version}, expected {VERSIONS[0]} or {VERSIONS[1]}")
        tensors, pairs = (
            self.count("Q", MOST_TENSORS, "tensors"),
            self.count("Q", MOST_PAIRS, "keys"),
        )
        found = GgufHeader()
        for _ in range(pairs):
            key = self.text(MOST_IN_ARRAY)
            found.values[key] = self.value(self.number("I"))
        ends = [0]
        for _ in range(tensors):
            name = self.text(MOST_IN_ARRAY)
            axes = [self.number("Q") for _ in range(self.count("I", MOST_AXES, f"axes of {name}"))]
            self.number("I")
            found.tensors[name] = math.prod(axes)
            ends.append(self.number("Q") + found.tensors[name] // MOST_A_BYTE)
        if self.file.tell() + max(ends) > self.size:
            raise ValueError(f"it ends at byte {self.size:,}, before its last tensor does")
        return found

    def number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self.bytes(struct.calcsize(f"<{form}")))[0]

    def count(self, form: str, most: int, what: str) -> int:
        found = self.number(form)
        if found > most:
            raise ValueError(f"{found:,} {what}, at most {most:,} are read")
        return found

    def bytes(self, length: int) -> bytes:
        found = self.file.read(length)
        if len(found) < length:
            raise ValueError(f"it ends at byte {self.size:,}, within its header")
        return found

    def text(self, most: int) -> str:
        return self.bytes(self.count("Q", most, "bytes of a text")).decode()

    def value(self, kind: int) -> Any:
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == TEXT:
            return self.text(MOST_TEXT)
        if kind != ARRAY:
            raise ValueError(f"a value of the unknown type {kind}")
        inner, count = self.number("I"), self.count("Q", self.values_left, "values of arrays")
        self.values_left -= count
        if inner in SCALARS:
            self.bytes(count * struct.calcsize(f"<{SCALARS[inner]}"))
        elif inner == TEXT:
            for _ in range(count):
                self.bytes(self.count("Q", MOST_IN_ARRAY, "bytes of a text"))
        else:
            raise ValueError(f"an array of values of type {inner}")
        return count
