"""Which errors are a network's own, so that it fails alone; all others end the job."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from codespectra.errors import UserError
from codespectra.files.full_disk import LittleDisk, reason_of
from codespectra.files.regular_files import reason

# Of the machine: memory, disk, device. A rerun with more of it may find none of them.
OF_THE_MACHINE = (MemoryError, OSError, LittleDisk, torch.OutOfMemoryError, torch.AcceleratorError)
# What torch says where the CPU's memory has run out.
NO_MEMORY = re.compile("can't allocate memory|not enough memory")


class NetworkFault(Exception):
    """A network can't be built, run or measured; the message says why in one line."""


@contextmanager
def told_of_the_network() -> Iterator[None]:
    """While open, an error becomes a `NetworkFault`, unless it is the machine's.

    A library's network may raise anything; what was waited for and the user's Ctrl-C pass.
    """
    try:
        yield
    except OF_THE_MACHINE:
        raise
    except Exception as error:
        if reason_of(error) or NO_MEMORY.search(str(error)):
            raise
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        words = " ".join(reason(error).splitlines())
        raise NetworkFault(kind + words) from error
