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
from codespectra.models.model_folders import read_config, weight_files

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
    """Hexadecimal sha256 of the file that a target names, with those beside it that it imports.

    Raises:
        UserError: there is no such file, or it is no Python.
    """
    files, pending = {}, [source_of(target)]
    while pending:
        file = pending.pop()
        if file.name not in files:
            files[file.name] = file_digest(file)
            pending += _imported_beside(file)
    return content_digest(files)


def _imported_beside(file: Path) -> list[Path]:
    with refusing(file, "isn't Python", "correct it"):
        tree = ast.parse(file.read_bytes())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    beside = (file.with_name(f"{name.split('.')[0]}.py") for name in sorted(names))
    return [path for path in beside if path.is_file()]


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


def own_files(architecture: dict[str, Any]) -> list[str]:
    """Files that a network's own weights come from, of a `resolved` architecture."""
    if architecture["name"] == "transformers":
        folder = Path(architecture["path"])
        return [str(folder / name) for name in weight_files(folder)]
    return [str(source_of(architecture["target"]))]
