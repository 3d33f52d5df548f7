"""Tables of the workflow read back: whole, and with the columns that are needed."""

import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from codespectra.errors import first_line
from codespectra.files.table_columns import COLUMNS
from codespectra.files.whole_files import damaged

# The csv module's own limit, 131,072 characters, is no fault of a table with a long text in it.
csv.field_size_limit(sys.maxsize)


def read_csv(path: str | Path, kind: str) -> pd.DataFrame:
    """Read a table that `write_csv` wrote.

    Columns of text are text whatever they look like, NA, null, 007 and an empty field too. A
    damaged number that still reads as one can't be seen.

    Args:
        path: of the table.
        kind: of `table_columns.COLUMNS`, which says what must be there.

    Raises:
        UserError: the table is missing, cut off, ragged, or lacks a column or a number; says what
            to delete.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            text = file.read()
        words, numbers = map(str.split, COLUMNS[kind])
        table = pd.read_csv(
            io.StringIO(text, newline=""),
            dtype=dict.fromkeys(words, str),
            keep_default_na=False,
            na_values={name: [""] for name in _header_of_whole(text) if name not in words},
        )
        _check_columns(table, words, numbers)
    except (OSError, ValueError, csv.Error) as error:
        found = f"damaged, or no table of {kind} ({first_line(error)})"
        raise damaged(path, found) from error
    return table


def read_tables(paths: Iterable[str | Path], kind: str) -> pd.DataFrame:
    """Several tables of a kind, one below the other; see `read_csv`."""
    return pd.concat([read_csv(path, kind) for path in paths], ignore_index=True)


def _header_of_whole(text: str) -> list[str]:
    if not text.endswith("\n"):
        raise ValueError("its last line isn't ended")
    # pandas fills the rest of a short line with NaN.
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(rows)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} fields, the header {len(header)}")
    return header


def _check_columns(table: pd.DataFrame, words: list[str], numbers: list[str]) -> None:
    missing = [name for name in words + numbers if name not in table]
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(missing)}")
    for name in numbers:
        found = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name][found.isna() & table[name].notna()]
        if len(wrong):
            raise ValueError(f"{name} is {wrong.iloc[0]!r} in row {wrong.index[0] + 2}")
