"""A matrix as text, a row a line, as `numpy.savetxt` writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from codespectra.files.regular_files import check_regular, refusing
from codespectra.sources.held import Held, why_not
from codespectra.sources.rows import WHOLE, FileRows, place

MOST_LINE = 1 << 26  # letters


@contextmanager
def open_text_table(path: Path) -> Iterator[Held]:
    """The numbers of a text, under the file's name without its suffix; float64.

    Raises:
        UserError: it isn't readable, or has no numbers.
    """
    with refusing(path, "no table of numbers", WHOLE):
        check_regular(path)
        file = path.open(encoding="utf-8")
    with file:
        with refusing(path, "no table of numbers", WHOLE):
            shape = (sum(1 for _ in _lines(file)), 0)
            file.seek(0)
            shape = (shape[0], len(next(_lines(file), "").split()))
        rows = FileRows(place(path, path.stem), shape, np.dtype(float), _Forward(file).read)
        held = Held()
        held.add(path.stem, why_not(shape, np.dtype(float)) or rows)
        yield held


def _lines(file: TextIO) -> Iterator[str]:
    """Lines, but for comments, none of which may be endless."""
    while line := file.readline(MOST_LINE):
        if len(line) == MOST_LINE:
            raise ValueError(f"a line has {MOST_LINE:,} letters or more")
        if not line.startswith("#") and not line.isspace():
            yield line


class _Forward:
    """Rows of a text, which is read on from where it was left."""

    def __init__(self, file: TextIO):
        self._file, self._at = file, file.seek(0)

    def read(self, start: int, stop: int) -> np.ndarray:
        if start < self._at:
            self._at = self._file.seek(0)
        lines = islice(_lines(self._file), start - self._at, stop - self._at)
        found = np.array([line.split() for line in lines], float)
        self._at = stop
        return found
