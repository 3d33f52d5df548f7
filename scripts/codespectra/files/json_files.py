"""JSON as the workflow writes it, manifests above all, and reads it back."""

import hashlib
import json
from pathlib import Path
from typing import Any

from codespectra.files.regular_files import read_regular, reason, refusing
from codespectra.files.whole_files import atomic, damaged

MOST_BYTES = 1 << 26  # of a JSON file: parsed, it takes up to twenty times as much memory


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON atomically; NaN is refused."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", "utf-8")


class _Object(dict[str, Any]):
    """A JSON object that names its file when it lacks a key."""

    def __init__(self, content: dict[str, Any], path: str | Path):
        super().__init__(content)
        self.path = path

    def __missing__(self, key: str) -> Any:
        raise damaged(self.path, f"lacks {key!r}")


def parse_json(content: bytes) -> Any:
    """What JSON in UTF-8 says; a byte order mark is passed over.

    Raises:
        Exception: a `ValueError` if it is no JSON, `RecursionError` if it is nested too deep.
    """
    return json.loads(content.decode("utf-8-sig"))


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object that the workflow wrote; a damaged file is named.

    Raises:
        UserError: `path` is missing or holds no JSON object; later, a key is asked for that it
            lacks.
    """
    try:
        return _Object(_object(path), path)
    except Exception as error:
        raise damaged(path, f"can't be read as JSON ({reason(error)})") from error


def read_users_json(path: str | Path, remedy: str) -> dict[str, Any]:
    """Read a JSON object of the user's.

    Raises:
        UserError: `path` is missing, too large or holds no JSON object; says `remedy`.
    """
    with refusing(path, "can't be read as JSON", remedy):
        return _object(path)


def _object(path: str | Path) -> dict[str, Any]:
    content = parse_json(read_regular(path, MOST_BYTES))
    if not isinstance(content, dict):
        raise ValueError(f"it holds a JSON {type(content).__name__}, expected an object")
    return content


def content_digest(content: Any) -> str:
    """Hexadecimal sha256 of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
