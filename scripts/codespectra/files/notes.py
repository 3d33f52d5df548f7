"""Notes beside tables, arrays and records: what each must be to the byte, and what made it.

The note of `a.csv` is `.a.csv.json`. Hidden, it isn't taken for a result; beside its file, it moves
with the folder. It is no output that rules declare: it can't be older than its file, which it is
written before.
"""

import hashlib
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.made_by import MADE_BY
from codespectra.files.manifests import file_digest, read_manifest, write_signed
from codespectra.files.regular_files import open_regular, reason
from codespectra.files.whole_files import damaged


def note_of(path: str | Path) -> Path:
    """Where the note of a file is."""
    path = Path(path)
    return path.with_name(f".{path.name}.json")


def write_note(path: str | Path, written: Path, **facts: Any) -> None:
    """Note what `path` will be when the file `written` gets that name, and more facts of it."""
    made_by = {"made_by": MADE_BY} if MADE_BY else {}
    write_signed(note_of(path), {"sha256": file_digest(written)} | facts | made_by)


def read_noted(path: str | Path) -> bytes:
    """The bytes of a file that are those that its note tells of.

    Raises:
        UserError: the file or its note is missing, or one of them has changed.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            content = file.read()
    except OSError as error:
        raise damaged(path, f"can't be read ({reason(error)})") from error
    _compare(path, hashlib.sha256(content).hexdigest())
    return content


def check_noted(path: str | Path) -> None:
    """The same check of a file that is too large to be held."""
    try:
        found = file_digest(path)
    except OSError as error:
        raise damaged(path, f"can't be read ({reason(error)})") from error
    _compare(Path(path), found)


def _compare(path: Path, found: str) -> None:
    note = note_of(path)
    if not note.exists():
        raise damaged(
            path, f"its note {note.name} is missing (hidden files move with a whole folder only)"
        )
    try:
        expected = read_manifest(note)
    except UserError as error:
        raise damaged(path, f"its note {note.name} is damaged") from error
    if found != expected["sha256"]:
        rows = f" with {expected['rows']} rows" if "rows" in expected else ""
        raise damaged(path, f"damaged: it has changed since it was written{rows}")
