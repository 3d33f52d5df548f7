"""Second names of a job's outputs: hard links, which stay when Snakemake removes the first names.

The next run of the job may take from them what would come out the same again.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from codespectra.files.regular_files import reason

log = logging.getLogger("codespectra")


def kept_name(output: str | Path) -> Path:
    """The second name of an output file."""
    output = Path(output)
    return output.with_name(f".{output.name}.kept")


def index_name(output: str | Path) -> Path:
    """Where it is noted what of a job's outputs follows from what."""
    return Path(output).with_name(f".{Path(output).name}.items")


def keep_outputs(outputs: Iterable[str | Path]) -> bool:
    """Give a job's outputs their second names; whether the file system has any."""
    outputs = [*outputs]
    forget_kept(outputs)
    try:
        for output in outputs:
            os.link(output, kept_name(output))
    except OSError as error:
        forget_kept(outputs)
        log.info("the next run begins anew: no hard links (%s)", reason(error))
        return False
    return True


def forget_kept(outputs: Iterable[str | Path]) -> None:
    """Remove the second names of a job's outputs, and the index: all will be computed again."""
    for output in outputs:
        kept_name(output).unlink(missing_ok=True)
        index_name(output).unlink(missing_ok=True)
