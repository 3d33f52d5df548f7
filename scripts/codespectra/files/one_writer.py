"""A lock for one writer of a file at a time, also beside a job that outlived its snakemake."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codespectra.files.plain_files import open_plain

log = logging.getLogger("codespectra")


@contextmanager
def only_writer(path: str | Path) -> Iterator[None]:
    """Hold the lock of `path`, waiting for another process that still writes it.

    After a kill -9 of snakemake its jobs on a cluster live on; the job that replaces one waits
    here, and then finds the orphan's finished work or goes on from where it died. On a file system
    without locks a warning says what isn't known.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_file = path.with_name(f".{path.name}.lock")
    lock = open_plain(lock_file, os.O_RDWR | os.O_CREAT)
    with os.fdopen(lock, "r+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = handle.read().strip() or "unknown"
            log.warning("%s: process %s still writes it (an orphan?); waiting for it", path, owner)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            log.warning(
                "%s: files can't be locked there (%s): make sure that no job of a killed snakemake "
                "still writes it",
                path,
                error.strerror,
            )
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield
