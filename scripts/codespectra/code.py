"""Digest of the code behind a rule: its script and every library module that the script reaches.

Taken from the syntax tree without comments and docstrings, so an edited comment reruns nothing and
an edited function reruns the stages that reach it, and no others.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "codespectra"


@cache
def code_digest(script: Path) -> str:
    """First 16 hexadecimal digits of the digest of `script` and the library modules it reaches.

    The library is the folder `codespectra` beside the script.
    """
    library = script.parent / PACKAGE
    digest = hashlib.sha256()
    for file in [script, *sorted(reached_modules(script, library))]:
        digest.update(f"{file.relative_to(script.parent)}\n{_bare_source(file)}\n".encode())
    return digest.hexdigest()[:16]


def reached_modules(file: Path, library: Path) -> set[Path]:
    """Library files that `file` imports, directly or through others, itself left out."""
    reached: set[Path] = set()
    pending = [file]
    while pending:
        for module in _imports(pending.pop(), library):
            if module not in reached:
                reached.add(module)
                pending.append(module)
    return reached - {file}


@cache
def _syntax(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


@cache
def _imports(file: Path, library: Path) -> set[Path]:
    names = set()
    for node in ast.walk(_syntax(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    candidates = set()
    for name in names:
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
def _bare_source(file: Path) -> str:
    tree = ast.parse(file.read_text(), filename=str(file))  # its own: docstrings are cut off it
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
