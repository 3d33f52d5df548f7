"""Tables of the workflow read back: whole, and with the columns that are needed."""

import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from codespectra.errors import first_line
from codespectra.files.notes import read_noted
from codespectra.files.table_columns import COLUMNS
from codespectra.files.whole_files import damaged


def read_csv(path: str | Path, kind: str) -> pd.DataFrame:
    """Read a table that `write_csv` wrote.

    Columns of text are text whatever they look like, NA, null, 007 and an empty field too.

    Args:
        path: of the table.
        kind: of `table_columns.COLUMNS`, which says what must be there.

    Raises:
        UserError: the table or its note is missing, a byte has changed, or it lacks a column or a
            number; says what to delete.
    """
    content = read_noted(path)
    try:
        words, numbers = map(str.split, COLUMNS[kind])
        header = pd.read_csv(io.BytesIO(content), nrows=0).columns
        table = pd.read_csv(
            io.BytesIO(content),
            lineterminator="\n",
            dtype=dict.fromkeys(words, str),
            keep_default_na=False,
            na_values={name: [""] for name in header if name not in words},
        )
        _check_columns(table, words, numbers)
    except ValueError as error:
        found = f"damaged, or no table of {kind} ({first_line(error)})"
        raise damaged(path, found) from error
    return table


def read_tables(paths: Iterable[str | Path], kind: str) -> pd.DataFrame:
    """Several tables of a kind, one below the other; see `read_csv`."""
    return pd.concat([read_csv(path, kind) for path in paths], ignore_index=True)


def _check_columns(table: pd.DataFrame, words: list[str], numbers: list[str]) -> None:
    missing = [name for name in words + numbers if name not in table]
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(missing)}")
    for name in numbers:
        found = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name][found.isna() & table[name].notna()]
        if len(wrong):
            raise ValueError(f"{name} is {wrong.iloc[0]!r} in row {wrong.index[0] + 2}")
