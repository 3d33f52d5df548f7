"""A table (CSV) that says which stimulus each of its rows is, and which presentation of it.

Columns: `stimulus_id`, where wanted `repeat`, and what else a reader asks for. Others are for its
owner.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.regular_files import shown
from codespectra.files.text_tables import read_text_table

MOST_BYTES = 1 << 25  # of the table: the manifest, which lists the ids, has a limit too
MOST_LETTERS = 200  # of an id or a label

Columns = dict[str, list[str]]


def read_stimulus_table(
    file: str | Path, needed: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> Columns:
    """The columns of a table, as texts in its order; those that it lacks are empty.

    Args:
        file: the CSV file.
        needed: columns beside stimulus_id.
        optional: columns beside repeat.

    Raises:
        UserError: the table lacks a column or a value, or lists a presentation twice.
    """
    needed, optional = ("stimulus_id", *needed), (*optional, "repeat")
    header, rows = read_text_table(file, MOST_BYTES, "mend the table")
    if missing := [column for column in needed if column not in header]:
        raise UserError(
            f"{shown(file)}: lacks the columns {', '.join(missing)}; expected "
            f"{', '.join(needed)} and, where wanted, {', '.join(optional)}"
        )
    for column in needed + optional:
        if header.count(column) > 1:
            raise UserError(f"{shown(file)}: has the column {column} twice; rename one")
    for number, row in enumerate(rows, 1):
        if None in row:
            found = f"row {number} has {len(header) + len(row[None])} fields, its header"
            raise UserError(f"{shown(file)}: {found} {len(header)}; put text with commas in quotes")
    if not rows:
        raise UserError(f"{shown(file)}: has no rows; list a stimulus a row")
    columns = {
        name: [row[name] or "" for row in rows] if name in header else []
        for name in needed + optional
    }
    words = f"expected 1 to {MOST_LETTERS} printable characters"
    for column in ("stimulus_id", "label"):
        refuse(file, columns, column, _is_no_name, words)
    refuse(file, columns, "repeat", _is_no_count, "expected a whole number from 0")
    _refuse_twice(file, columns)
    return columns


def refuse(
    file: str | Path, columns: Columns, column: str, is_wrong: Callable[[str], bool], words: str
) -> None:
    """Tell how many texts of a column are wrong, and the first one, if any is.

    Raises:
        UserError: one is.
    """
    wrong = [row for row, text in enumerate(columns.get(column, ())) if is_wrong(text)]
    if wrong:
        found = shown(columns[column][wrong[0]][:MOST_LETTERS]) or "empty"
        raise UserError(
            f"{shown(file)}: {column} {found}: {words} ({len(wrong)} of "
            f"{len(columns[column])} rows, first row {wrong[0] + 1}); mend the table"
        )


def _is_no_name(text: str) -> bool:
    return not (text.isprintable() and 0 < len(text) <= MOST_LETTERS)


def _refuse_twice(file: str | Path, columns: Columns) -> None:
    """A stimulus stands once, or once a repeat."""
    ids, repeats = columns["stimulus_id"], [int(text) for text in columns["repeat"]]
    counts = Counter(zip(ids, repeats or [0] * len(ids), strict=True))
    name, count = counts.most_common(1)[0]
    if count > 1:
        extra = counts.total() - len(counts)
        words = f"stands twice with repeat {name[1]}" if repeats else "stands twice"
        raise UserError(
            f"{shown(file)}: stimulus_id {shown(name[0])}: {words} ({extra} of {len(ids)} rows are "
            "too many); mend the table" + ("" if repeats else ", or add a column repeat")
        )


def _is_no_count(text: str) -> bool:
    return not (text.isascii() and text.isdigit() and len(text) < 10)
