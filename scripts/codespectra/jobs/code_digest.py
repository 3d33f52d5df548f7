"""Digest of the code behind a rule: its script and every library module that the script reaches.

Taken from the syntax tree without comments and docstrings, so an edited comment reruns nothing and
an edited function reruns the stages that reach it, and no others.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from codespectra.files import store

PACKAGE = "codespectra"


@cache
def code_digest(script: Path, remembered: Path | None = None, imported: str | None = None) -> str:
    """First 16 hexadecimal digits of the digest of `script` and the library modules it reaches.

    The library is the folder `codespectra` beside the script. What a file's syntax tree tells is
    kept in the folder `remembered` for as long as the file stays the same: parsing takes a second.
    `imported` is a module of the library that the script imports by a name it is given, such as
    `figures/spectra.py`.
    """
    library = script.parent / PACKAGE
    reached = reached_modules(script, library, remembered)
    if imported is not None:
        module = library / imported
        reached |= {module} | reached_modules(module, library, remembered)
    files = [script, *sorted(reached)]
    parts = {str(f.relative_to(script.parent)): _facts(f, remembered)["bare"] for f in files}
    text = "".join(f"{name}\n{bare}\n" for name, bare in parts.items())
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if remembered is not None and not _parts_note(digest, remembered).exists():
        store.write_json(_parts_note(digest, remembered), parts)
    return digest


def changed_files(before: str, now: str, remembered: Path) -> list[str]:
    """The script and modules that differ between two digests of `code_digest`, sorted by name.

    Empty when the folder `remembered` doesn't know what either digest was taken from.
    """
    notes = [_parts_note(digest, remembered) for digest in (before, now)]
    if not all(note.exists() for note in notes):
        return []
    old, new = map(store.read_json, notes)
    differing = [name for name in old | new if old.get(name) != new.get(name)]
    return sorted(name.removeprefix(f"{PACKAGE}/") for name in differing)


def _parts_note(digest: str, remembered: Path) -> Path:
    """Where the digest of every file behind a digest is kept."""
    return remembered / f"{digest}.json"


def reached_modules(file: Path, library: Path, remembered: Path | None = None) -> set[Path]:
    """Library files that `file` imports, directly or through others, itself left out."""
    reached: set[Path] = set()
    pending = [file]
    while pending:
        for module in _imports(pending.pop(), library, remembered):
            if module not in reached:
                reached.add(module)
                pending.append(module)
    return reached - {file}


@cache
def _imports(file: Path, library: Path, remembered: Path | None) -> set[Path]:
    candidates = set()
    for name in _facts(file, remembered)["imports"]:
        top, *inside = name.split(".")
        if top != PACKAGE:
            continue
        module = library.joinpath(*inside)
        candidates.add(module.with_suffix(".py"))
        # Importing a.b.c runs the __init__ of a, of a.b, and of a.b.c if that is a package.
        candidates |= {
            library.joinpath(*inside[:depth]) / "__init__.py" for depth in range(len(inside) + 1)
        }
    return {path for path in candidates if path.is_file()}


@cache
def _facts(file: Path, remembered: Path | None) -> dict[str, Any]:
    """The names that a file imports, and the digest of its source without docstrings."""
    source = file.read_bytes()
    if remembered is None:
        return _parsed(source, file)
    note = remembered / f"{hashlib.sha256(source).hexdigest()}.json"
    if not note.exists():
        store.write_json(note, _parsed(source, file))
    return store.read_json(note)


def _parsed(source: bytes, file: Path) -> dict[str, Any]:
    tree = ast.parse(source, filename=str(file))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    bare = hashlib.sha256(_without_docstrings(tree).encode()).hexdigest()
    return {"imports": sorted(names), "bare": bare}


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
