"""Digest of the code behind a rule: its script and every library module that the script reaches.

Taken from the syntax tree without comments and docstrings, so an edited comment reruns nothing and
an edited function reruns the stages that reach it, and no others. `LEFT_OUT` are the modules that
can't change a number, whatever is edited in them.
"""

import ast
import hashlib
import platform
from functools import cache
from pathlib import Path
from typing import Any

from codespectra.files.json_files import read_json, write_json

PACKAGE = "codespectra"
# Names, locks, words and refusals, and what is told of a file beside it: if that is told in another
# form, what was told before is refused. They import nothing of the library but each other.
LEFT_OUT = (
    "errors.py",
    "files/full_disk.py",
    "files/json_files.py",
    "files/made_by.py",
    "files/manifests.py",
    "files/notes.py",
    "files/one_writer.py",
    "files/plain_files.py",
    "files/regular_files.py",
    "files/second_names.py",
    "files/table_columns.py",
    "files/whole_files.py",
    "jobs/gpu_lock.py",
    "jobs/progress.py",
    "jobs/start.py",
)
# What is remembered of a file follows from these lines too, and from the Python that unparses.
READER = Path(__file__).read_bytes() + platform.python_version().encode()


@cache
def code_digest(file: Path, remembered: Path | None = None, imported: str | None = None) -> str:
    """First 16 hexadecimal digits of the digest of a script, or of a module of the library.

    The library modules that `file` reaches are part of it, but for those of `LEFT_OUT`; so is
    `imported`, such as `figures/spectra.py`, which a script imports by a name that it is given.
    What a file's syntax tree tells is kept in the folder `remembered` for as long as the file
    stays the same: parsing takes a second.
    """
    root = _import_root(file)
    left_out = {root / PACKAGE / name for name in LEFT_OUT}
    reached = reached_modules(file, remembered=remembered)
    if imported is not None:
        module = root / PACKAGE / imported
        reached |= {module} | reached_modules(module, remembered=remembered)
    files = [file, *sorted(reached - left_out)]
    parts = {str(f.relative_to(root)): _facts(f, remembered)["bare"] for f in files}
    text = "".join(f"{name}\n{bare}\n" for name, bare in parts.items())
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if remembered is not None and not _parts_note(digest, remembered).exists():
        write_json(_parts_note(digest, remembered), parts)
    return digest


def _import_root(file: Path) -> Path:
    """The folder that is on the import path when a script or a module of the library runs."""
    return next(folder for folder in file.parents if not (folder / "__init__.py").exists())


def changed_files(before: str, now: str, remembered: Path) -> list[str]:
    """The script and modules that differ between two digests of `code_digest`, sorted by name.

    Empty when the folder `remembered` doesn't know what either digest was taken from.
    """
    notes = [_parts_note(digest, remembered) for digest in (before, now)]
    if not all(note.exists() for note in notes):
        return []
    old, new = map(read_json, notes)
    differing = [name for name in old | new if old.get(name) != new.get(name)]
    return sorted(name.removeprefix(f"{PACKAGE}/") for name in differing)


def _parts_note(digest: str, remembered: Path) -> Path:
    """Where the digest of every file behind a digest is kept."""
    return remembered / f"{digest}.json"


def reached_modules(file: Path, *, remembered: Path | None = None) -> set[Path]:
    """Library files that `file` imports, directly or through others, itself left out."""
    library, reached, pending = _import_root(file) / PACKAGE, set(), [file]
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
    note = remembered / f"{hashlib.sha256(READER + source).hexdigest()}.json"
    if not note.exists():
        write_json(note, _parsed(source, file))
    return read_json(note)


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
