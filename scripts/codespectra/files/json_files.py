"""JSON as the workflow writes it, manifests above all, and reads it back."""

import hashlib
import json
from pathlib import Path
from typing import Any

from codespectra.files.whole_files import atomic, damaged


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


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object; a damaged file is named.

    Raises:
        UserError: `path` is missing or holds no JSON object; later, a key is asked for that it
            lacks.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, f"can't be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise damaged(path, f"holds a JSON {type(content).__name__}, expected an object")
    return _Object(content, path)


def content_digest(content: Any) -> str:
    """Hexadecimal sha256 of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
