"""Arrays as NumPy saves them: .npy, and .npz, a zip of those. What is pickled in them stays so."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from codespectra.files.regular_files import check_regular, open_regular, refusing
from codespectra.sources.held import Held, Passed, too_large, why_not
from codespectra.sources.labels import COLUMNS, KINDS, as_text, enter
from codespectra.sources.rows import WHOLE, place, plain_rows
from codespectra.sources.source import Rows
from codespectra.sources.streams import Laid, streamed_rows

END = ".npy"
LOCAL_HEADER = 30  # bytes of a zip's member before its name


class Header(Laid):
    """What the header of an array says; `bytes` is its own length."""

    @property
    def size(self) -> int:
        """Bytes of the header and the numbers."""
        return self.bytes + math.prod(self.shape) * self.dtype.itemsize


@contextmanager
def open_npy(path: Path) -> Iterator[Held]:
    """The array of an .npy, under the file's name without its suffix.

    Raises:
        UserError: the file is damaged.
    """
    with refusing(path, "damaged, or no .npy", WHOLE):
        file = open_regular(path)
    with file:
        held = Held()
        held.add(path.stem, npy_rows(path, path.stem, file, held))
        yield held


def npy_rows(path: Path, key: str, file: IO[bytes], held: Held) -> Rows | Passed:
    """The array of an open .npy.

    Raises:
        UserError: it is damaged.
    """
    with refusing(path, "damaged, or no .npy", WHOLE):
        header, size = _header(file), path.stat().st_size
        if refused := why_not(header.shape, header.dtype):
            return refused
        if header.size > size:
            raise EOFError(
                f"its header says {header.shape} {header.dtype}, {header.size:,} bytes with the "
                f"header, and the file has {size:,}"
            )
    if header.size < size:
        held.remarks.append(f"{size - header.size:,} bytes after the array are passed over")
    where = place(path, key)
    return plain_rows(file, where, header.bytes, header.shape, header.dtype, fortran=header.fortran)


def _header(file: IO[bytes]) -> Header:
    version = np.lib.format.read_magic(file)
    # Version 3 is for structured arrays whose fields have names beyond Latin-1.
    if version == (3, 0):
        return Header((1, 1), False, np.dtype([("fields", "f4")]), 0)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of the format, read are 1.0 to 3.0")
    shape, fortran, dtype = readers[version](file)
    if any(size < 0 for size in shape):
        raise ValueError(f"shape {shape}")
    return Header(shape, fortran, dtype, file.tell())


@contextmanager
def open_npz(path: Path) -> Iterator[Held]:
    """The arrays of an .npz; `stimulus_id` and `repeat` tell of rows.

    Packed ones are unpacked from their beginning on each time that rows before the last ones are
    asked for, and for each slab where their first axis is the fastest.

    Raises:
        UserError: the file is damaged, or unpacks to more than it can.
    """
    with ExitStack() as stack:
        with refusing(path, "damaged, or no .npz", WHOLE):
            check_regular(path)
            plain = stack.enter_context(path.open("rb"))
            archive = stack.enter_context(zipfile.ZipFile(path))
            members = archive.infolist()
            _check_members(members, path.stat().st_size)
        held = Held()
        for member in members:
            if not member.filename.endswith(END):
                held.add(member.filename, Passed("no .npy", "save it with numpy.savez"))
                continue
            key = member.filename.removesuffix(END)
            with refusing(place(path, key), "damaged, or no .npy", WHOLE):
                held.add(key, _member_rows(place(path, key), plain, archive, member))
                if key in COLUMNS:
                    enter(held, key, _labels(archive, member))
        yield held


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise ValueError("two of its arrays have one name")
    total = sum(member.file_size for member in members)
    if refused := too_large((total,), np.dtype(np.uint8), size):
        raise ValueError(refused.found)


def _member_rows(
    where: str, plain: IO[bytes], archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> Rows | Passed:
    with archive.open(member) as file:
        header = _header(file)
    if refused := why_not(header.shape, header.dtype):
        return refused
    if header.size != member.file_size:
        raise EOFError(
            f"its header says {header.shape} {header.dtype}, {header.size:,} bytes with the "
            f"header, and it has {member.file_size:,}"
        )
    if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1:
        offset = _offset(plain, member) + header.bytes
        return plain_rows(plain, where, offset, header.shape, header.dtype, fortran=header.fortran)
    return streamed_rows(where, lambda: archive.open(member), header)


def _labels(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> list[str] | None:
    """A column of labels; None if it is none."""
    with archive.open(member) as file:
        header = _header(file)
        if len(header.shape) != 1 or header.dtype.kind not in KINDS:
            return None
        return as_text(np.frombuffer(file.read(header.size - header.bytes), header.dtype))


def _offset(plain: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where a member's content begins: its header has a length of its own."""
    plain.seek(member.header_offset)
    head = plain.read(LOCAL_HEADER)
    lengths = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    return member.header_offset + LOCAL_HEADER + lengths
