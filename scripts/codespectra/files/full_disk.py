"""Errors of a full disk, a quota or a limit of file size, as one line that names the folder."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codespectra.errors import UserError

NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LittleDisk(UserError):
    """What is to be written doesn't fit the free disk."""


class FullDisk(LittleDisk):
    """Nothing more can be written to a folder; its message says how much is free."""

    def __init__(self, folder: str | Path, reason: str):
        free = shutil.disk_usage(folder).free
        super().__init__(
            f"{folder}: can't write: {reason}; {in_bytes(free)} are free there; make room, or "
            "take another disk by --directory, and rerun"
        )


def in_bytes(count: float) -> str:
    """A number of bytes for people: `812 B`, `1.5 MB`."""
    power = next((power for power in range(3) if count < 999.95 * 1000**power), 3)
    return f"{count / 1000**power:.{min(power, 1)}f} {('B', 'kB', 'MB', 'GB')[power]}"


def reason_of(error: BaseException) -> str:
    """The system's words if an error means missing room: `No space left on device`; else empty."""
    # HDF5 and safetensors may tell the number in words only.
    told = re.search(r"(?:errno =|os error) (\d+)", str(error))
    number = int(told[1]) if told else getattr(error, "errno", None)
    return os.strerror(number) if number in NUMBERS else ""


@contextmanager
def told(folder: str | Path) -> Iterator[None]:
    """While open, an error that means that `folder` is full becomes a `FullDisk`."""
    try:
        yield
    except Exception as error:
        if reason := reason_of(error):
            raise FullDisk(folder, reason) from error
        raise
