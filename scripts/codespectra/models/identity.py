"""What a network follows from beside its config: the user's code, a folder's config.json.

No import of torch: a plan is checked in seconds.
"""

import ast
import importlib.util
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import file_digest
from codespectra.files.regular_files import check_regular, refusing
from codespectra.models.model_folders import read_config

PREPROCESSOR = "preprocessor_config.json"


def resolved(architecture: dict[str, Any], published: str | None = None) -> dict[str, Any]:
    """A config's `architecture` section with all that its network follows from.

    Args:
        architecture: the section.
        published: tag of the weights of torchvision's that it will have, if it will.

    Raises:
        UserError: a file can't be read.
    """
    name = architecture["name"]
    if name == "python":
        return architecture | {"sha256": code_of(architecture["target"])}
    if name == "transformers":
        folder = Path(architecture["path"])
        given = {"config": read_config(folder)}
        if (folder / PREPROCESSOR).exists():
            given["preprocessor"] = read_config(folder, PREPROCESSOR)
        return architecture | given
    if name == "torchvision" and published is not None:
        return architecture | {"published": published}
    return architecture


def code_of(target: str) -> str:
    """Hexadecimal sha256 of the file that a target names, with those of its own that it imports.

    Its own are the modules and packages beside a file; of an installed module those of its package.

    Raises:
        UserError: there is no such file, or it is no Python.
    """
    pending = [source_of(target)]
    module = target.rpartition(":")[0]
    if module.endswith(".py"):
        root, package = pending[0].parent, None
    else:
        folders = module.count(".") + (pending[0].name == "__init__.py")
        root, package = pending[0].parents[folders], module.split(".")[0]
    files: dict[str, str] = {}
    while pending:
        file = pending.pop()
        if (name := file.relative_to(root).as_posix()) not in files:
            files[name] = file_digest(file)
            pending += _own_imports(file, root, package)
    return content_digest(files)


def _own_imports(file: Path, root: Path, package: str | None) -> list[Path]:
    """Files below `root` that a file imports: any, or those of a package and single ones."""
    found = []
    for name in sorted(_imported_names(file, root)):
        parts = name.split(".")
        if package in (None, parts[0]):
            # Importing a.b.c runs the __init__ of a and of a.b.
            places = [root.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
            found += [place / "__init__.py" for place in places]
            found.append(root.joinpath(*parts[:-1], f"{parts[-1]}.py"))
        elif len(parts) == 1:
            found.append(root / f"{name}.py")
    return [path for path in found if path.is_file()]


def _imported_names(file: Path, root: Path) -> set[str]:
    with refusing(file, "isn't Python", "correct it"):
        tree = ast.parse(file.read_bytes())
    inside, names = file.relative_to(root).parts[:-1], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}".strip(".") for alias in node.names}
    return names - {""}


def source_of(target: str) -> Path:
    """The file that a target such as `my_nets.py:build` or `package.module:build` names.

    A module is found without running its code, though Python runs the packages that it lies in.

    Raises:
        UserError: there is no such file or module, or the target has another form.
    """
    module, colon, name = target.rpartition(":")
    if not colon or not module or not all(part.isidentifier() for part in name.split(".")):
        raise UserError(
            f"target: {target!r} has another form than my_nets.py:build or package.module:build"
        )
    if module.endswith(".py"):
        path = Path(module).expanduser()
        with refusing(f"target: {target!r}", "no such file", "correct the path"):
            check_regular(path)
        return path
    return Path(find_module(module, f"target: {target!r}"))


def find_module(module: str, key: str) -> str:
    """The file of an installed module, which isn't imported.

    Raises:
        UserError: there is none; begins with the key that asks for it.
    """
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        found = None
    if found is None or found.origin is None:
        raise UserError(
            f"{key}: no module {module!r} is installed here; pip install its package "
            f"({module.split('.')[0].replace('_', '-')}?), or correct its name"
        )
    return found.origin


def package_file(package: str, file: str) -> Path:
    """A file that an installed package holds, which isn't imported.

    Raises:
        UserError: the package isn't installed, or has no such file.
    """
    found = Path(find_module(package, "package"))
    if found.name != "__init__.py":
        raise UserError(f"package: {package!r} is a module, which holds no files; correct its name")
    folder = found.parent
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        held = ", ".join(sorted(f.name for f in folder.iterdir() if f.suffix not in {".py", ""}))
        raise UserError(f"file: {package} has no {file!r}; it holds {held or 'no data'}")
    return path
