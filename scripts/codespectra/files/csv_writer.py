"""CSV as the workflow writes it."""

from pathlib import Path

import pandas as pd

from codespectra.files.notes import write_note
from codespectra.files.whole_files import atomic

# Nine digits tell any two float32 numbers apart.
FORM = {"index": False, "float_format": "%.9g", "lineterminator": "\n"}


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write a tidy table atomically, nine significant digits, and its note."""
    with atomic(path) as temporary:
        table.to_csv(temporary, **FORM)
        write_note(path, temporary, rows=len(table))
