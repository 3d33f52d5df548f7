"""Progress of long loops: a bar at a terminal, a line every half minute in a log."""

import logging
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

SECONDS = 30
log = logging.getLogger("codespectra")


class progress(tqdm):
    """tqdm, whose bar is a line of the log where nobody watches it; short loops leave none."""

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
        *,
        desc: str | None = None,
        total: int | None = None,
        initial: int = 0,
    ):
        """Follow an iterable, or `update` calls up to a total."""
        told: dict[str, Any] = {}
        if not sys.stderr.isatty():
            told = dict.fromkeys(("delay", "mininterval", "maxinterval"), SECONDS)
            told |= {"file": _Log(), "position": 0, "bar_format": "{desc}: {n_fmt} of {total_fmt}"}
            told["desc"] = desc or "done"
        options = {"desc": desc, "total": total, "initial": initial, "leave": False} | told
        super().__init__(iterable, **options)


class _Log:
    """Where tqdm writes what a log takes down."""

    def write(self, text: str) -> None:
        if line := text.strip():
            log.info("%s", line)

    def flush(self) -> None:
        """Nothing is held back."""
