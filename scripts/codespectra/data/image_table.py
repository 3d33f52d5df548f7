"""A table of a folder's images (CSV), which says what is read instead of the folder's layout.

Columns: `stimulus_id`, `path` from the folder on, and where wanted `label` and `repeat` (which
presentation of a stimulus a row is). Others are for its owner.
"""

import csv
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.regular_files import open_regular, refusing, shown

NEEDED, OPTIONAL = ("stimulus_id", "path"), ("label", "repeat")
MOST_BYTES = 1 << 25  # of the table: the manifest, which lists the ids, has a limit too
MOST_LETTERS = 200  # of an id or a label


@dataclass(frozen=True)
class ImageTable:
    """Rows of a table in its order; `labels` and `repeats` are empty where it has none."""

    ids: list[str]
    paths: list[Path]
    labels: list[str]
    repeats: list[int]

    @property
    def classes(self) -> tuple[str, ...]:
        """Distinct labels, sorted."""
        return tuple(sorted(set(self.labels)))


def read_image_table(root: str | Path, table: str | Path) -> ImageTable:
    """The images that a table lists; links are followed.

    Args:
        root: folder of the images.
        table: the CSV file's path from there on.

    Raises:
        UserError: the table lies elsewhere, lacks a column or a value, has an id twice, or lists
            images that aren't there.
    """
    file = table_file(root, table)
    with (
        refusing(file, "not a readable table", "mend the table"),
        open_regular(file, MOST_BYTES) as content,
        io.TextIOWrapper(content, "utf-8-sig", newline="") as text,
    ):
        reader = csv.DictReader(text, strict=True)
        header, rows = list(reader.fieldnames or []), list(reader)
    if missing := [column for column in NEEDED if column not in header]:
        raise UserError(
            f"{shown(file)}: lacks the columns {', '.join(missing)}; expected "
            f"{', '.join(NEEDED)} and, where wanted, {', '.join(OPTIONAL)}"
        )
    for column in NEEDED + OPTIONAL:
        if header.count(column) > 1:
            raise UserError(f"{shown(file)}: has the column {column} twice; rename one")
    for number, row in enumerate(rows, 1):
        if None in row:
            found = f"row {number} has {len(header) + len(row[None])} fields, its header"
            raise UserError(f"{shown(file)}: {found} {len(header)}; put text with commas in quotes")
    if not rows:
        raise UserError(f"{shown(file)}: has no rows; list an image a row")
    columns = {
        name: [row[name] or "" for row in rows] if name in header else []
        for name in NEEDED + OPTIONAL
    }
    _check(file, root, columns)
    return ImageTable(
        columns["stimulus_id"],
        [Path(root) / path for path in columns["path"]],
        columns["label"],
        [int(number) for number in columns["repeat"]],
    )


def table_file(root: str | Path, table: str | Path) -> Path:
    """Where a table is.

    Raises:
        UserError: outside the folder.
    """
    file = Path(root) / table
    if not Path(os.path.abspath(file)).is_relative_to(os.path.abspath(root)):  # noqa: PTH100
        raise UserError(
            f"{shown(table)}: a table outside {root}; put it there, and give its path from there on"
        )
    return file


def _check(file: Path, root: str | Path, columns: dict[str, list[str]]) -> None:
    def refuse(column: str, is_wrong: Callable[[str], bool], words: str) -> None:
        wrong = [row for row, text in enumerate(columns[column]) if is_wrong(text)]
        if wrong:
            found = shown(columns[column][wrong[0]][:MOST_LETTERS]) or "empty"
            raise UserError(
                f"{shown(file)}: {column} {found}: {words} ({len(wrong)} of "
                f"{len(columns[column])} rows, first row {wrong[0] + 1}); mend the table"
            )

    seen: set[str] = set()
    for column in ("stimulus_id", "label"):
        refuse(column, _is_no_name, f"expected 1 to {MOST_LETTERS} printable characters")
    # `add` gives nothing, which is false.
    refuse("stimulus_id", lambda text: text in seen or seen.add(text), "stands twice")
    refuse("path", lambda text: not _stays_inside(text), f"expected a path inside {root}")
    refuse("path", lambda text: not os.path.isfile(Path(root) / text), "no such image")  # noqa: PTH113
    refuse("repeat", _is_no_count, "expected a whole number from 0")


def _is_no_name(text: str) -> bool:
    return not (text.isprintable() and 0 < len(text) <= MOST_LETTERS)


def _is_no_count(text: str) -> bool:
    return not (text.isascii() and text.isdigit() and len(text) < 10)


def _stays_inside(path: str) -> bool:
    return bool(path) and not Path(path).is_absolute() and ".." not in Path(path).parts
