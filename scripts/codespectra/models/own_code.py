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
from codespectra.models.identity import code_of, source_of


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
        made: Any = _import(module, path, sha256)
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
    name = f"own_code_{sha256[:16]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        sys.path.append(str(path.parent.resolve()))
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _place(error: Exception, path: Path) -> str:
    """What went wrong, and the last line of the user's file on the way there."""
    calls = traceback.extract_tb(error.__traceback__)
    own = [call for call in calls if Path(call.filename).name == path.name]
    where = f"{path}:{own[-1].lineno}: {own[-1].line}: " if own else ""
    return f"{where}{type(error).__name__}: {first_line(error)}"
