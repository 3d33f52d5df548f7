"""A table of a folder's images (CSV), which says what is read instead of the folder's layout.

Columns: `stimulus_id`, `path` from the folder on, and where wanted `label` and `repeat` (which
presentation of a stimulus a row is). Others are for its owner.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from codespectra.data.stimulus_table import Columns, read_stimulus_table, refuse
from codespectra.errors import UserError
from codespectra.files.regular_files import shown


@dataclass(frozen=True)
class ImageTable:
    """Stimuli of a table in the order in which each stands first.

    `labels` is empty where there are none. `presentations` is each row's stimulus, counted from 0,
    and its repeat; empty where the table has no repeats.
    """

    ids: list[str]
    paths: list[Path]
    labels: list[str]
    presentations: list[tuple[int, int]]

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
    columns = read_stimulus_table(file, ("path",), ("label",))
    _check(file, root, columns)
    first: dict[str, int] = {}
    for row, name in enumerate(columns["stimulus_id"]):
        first.setdefault(name, row)
    place = {name: number for number, name in enumerate(first)}
    repeats = zip(columns["stimulus_id"], columns["repeat"], strict=False)
    return ImageTable(
        list(first),
        [Path(root) / columns["path"][row] for row in first.values()],
        [columns["label"][row] for row in first.values() if columns["label"]],
        [(place[name], int(number)) for name, number in repeats],
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


def _check(file: Path, root: str | Path, columns: Columns) -> None:
    words = f"expected a path inside {root}"
    refuse(file, columns, "path", lambda text: not _stays_inside(text), words)
    refuse(file, columns, "path", lambda text: not _is_file(Path(root) / text), "no such image")
    for column in ("path", "label"):
        known: dict[str, str] = {}
        for name, text in zip(columns["stimulus_id"], columns[column], strict=False):
            if known.setdefault(name, text) != text:
                raise UserError(
                    f"{shown(file)}: stimulus_id {shown(name)}: has the {column} "
                    f"{shown(known[name])} in one row and {shown(text)} in another; mend the table"
                )


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 — of Path, where one may not look is an error


def _stays_inside(path: str) -> bool:
    return bool(path) and not Path(path).is_absolute() and ".." not in Path(path).parts
