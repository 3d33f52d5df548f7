"""Networks that a user's own Python builds: the one code besides ours that runs, and only because
the config names it.
"""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from codespectra.errors import UserError, first_line
from codespectra.files.json_files import content_digest
from codespectra.models.identity import code_of, source_of

_searched: list[str] = []  # the folder of the file that was built last


def build(target: str, arguments: dict[str, Any], sha256: str) -> nn.Module:
    """The network that a target builds with its arguments.

    Raises:
        UserError: its code isn't the one of that sha256, it raises, or it returns no network.
    """
    path = source_of(target)
    if (found := code_of(target)) != sha256:
        raise UserError(
            f"{path}: its sha256 is {found}, but the network was made by the code of {sha256}; "
            "put the old code back, or rerun with the new"
        )
    module, _, name = target.rpartition(":")
    try:
        made: Any = _import(module, path.resolve(), sha256)
        for part in name.split("."):
            made = getattr(made, part)
        network = made(**arguments)
    except Exception as error:  # anything: it is the user's own
        raise UserError(f"target: {target!r} fails: {_place(error, path)}") from error
    if not isinstance(network, nn.Module):
        raise UserError(
            f"target: {target!r} returns a {type(network).__name__}, expected a torch.nn.Module"
        )
    return network


def _import(module: str, path: Path, sha256: str) -> ModuleType:
    """The module; a file's may import its neighbours, as if it were run beside them."""
    if not module.endswith(".py"):
        return importlib.import_module(module)
    _look_beside(str(path.parent))
    name = f"own_code_{content_digest([sha256, str(path)])[:16]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _look_beside(folder: str) -> None:
    """Let modules be found in a file's folder, and no longer in that of the file before it.

    What was imported from there is forgotten: both may have neighbours of the same name.
    """
    if _searched == [folder] and folder in sys.path:
        return
    for other in _searched:
        # Others change the list as well: the folder may be gone, or there twice.
        sys.path[:] = [place for place in sys.path if place != other]
        beside = {name for name, module in sys.modules.items() if _lies_in(module, other)}
        for name in [name for name in sys.modules if name.partition(".")[0] in beside]:
            del sys.modules[name]
    _searched[:] = [folder]
    sys.path.append(folder)


def _lies_in(module: ModuleType, folder: str) -> bool:
    """Whether an imported top-level module, other than this library, is a folder's."""
    # Libraries put things of other kinds among the modules.
    name = str(getattr(module, "__name__", ""))
    if "." in name or name in {"__main__", "codespectra"} or name.startswith("own_code_"):
        return False
    places = list(getattr(module, "__path__", None) or [getattr(module, "__file__", None)])
    return any(isinstance(place, str) and str(Path(place).parent) == folder for place in places)


def _place(error: Exception, path: Path) -> str:
    """What went wrong, and the last line of the user's file on the way there."""
    calls = traceback.extract_tb(error.__traceback__)
    own = [call for call in calls if Path(call.filename).name == path.name]
    where = f"{path}:{own[-1].lineno}: {own[-1].line}: " if own else ""
    return f"{where}{type(error).__name__}: {first_line(error)}"
