"""The page of the library's modules: each room by its own words, each module by its docstrings."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "scripts/codespectra"


def page() -> str:
    """The table of all rooms."""
    rows = [f"| [`{room}`](modules/{room}.md) | {_first(room)} |\n" for room in rooms()]
    return "| room | what lives there |\n|---|---|\n" + "".join(rows)


def rooms() -> list[str]:
    """The library's packages and modules from the top floor down, as the linter holds them."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    return linter["contracts"][0]["layers"]


def _first(room: str) -> str:
    folder = LIBRARY / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    words = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    return " ".join(words.split("\n\n")[0].split())


def room_page(room: str) -> str:
    """What mkdocstrings makes a page of: a room's modules, but for those of the config's keys."""
    folder = LIBRARY / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    dotted = [
        ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts)
        for file in files
        if file.stem != "__init__" and file.parent.name != "sections"
    ]
    return f"# `{room}`\n\n{_first(room)}\n" + "".join(f"\n::: {name}\n" for name in dotted)
