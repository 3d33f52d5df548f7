"""CSV tables of others as plain texts, read without pandas: also when a study is planned."""

import csv
import io
from pathlib import Path
from typing import Any

from codespectra.files.regular_files import open_regular, refusing


def read_text_table(
    path: str | Path, most_bytes: int, remedy: str
) -> tuple[list[str], list[dict[str, Any]]]:
    """Header and rows of a CSV file, all as texts.

    A row's fields beyond the header are a list under None, and those that it lacks are None.

    Args:
        path: of the file, which is never unpacked.
        most_bytes: that it may have.
        remedy: what to do if the file is no table.

    Raises:
        UserError: the file is missing, too large or no table.
    """
    with (
        refusing(path, "not a readable table", remedy),
        open_regular(path, most_bytes) as content,
        io.TextIOWrapper(content, "utf-8-sig", newline="") as text,
    ):
        reader = csv.DictReader(text, strict=True)
        return list(reader.fieldnames or []), list(reader)
