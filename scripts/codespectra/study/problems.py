"""Mistakes that are collected, so that a user sees them all at once."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from codespectra.errors import UserError, nearest


class Problems:
    """Mistakes found so far in a config, one line each."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        # Names that the config doesn't have, and those that stand there instead.
        self.written_as: dict[str, str] = {}

    def add(self, line: str) -> None:
        if self.written_as:
            names = "|".join(map(re.escape, self.written_as))
            line = re.sub(rf"(?<![\w-])({names})(?![\w-])", lambda m: self.written_as[m[0]], line)
        self.lines.append(f"config: {line}")

    def known(self, key: str, name: str, allowed: Iterable[str]) -> bool:
        allowed = list(allowed)
        if name not in allowed:
            written = dict.fromkeys(self.written_as.get(one, one) for one in allowed)
            self.add(f"{key}: {name!r} is unknown; {nearest(name, written)}")
        return name in allowed

    def file(self, key: str, path: Path) -> None:
        if not os.path.isfile(path):  # noqa: PTH113 — of Path, where one may not look is an error
            self.add(f"{key}: no such file: {path}")

    def folder(self, key: str, path: Path, advice: str) -> None:
        if not os.path.isdir(path):  # noqa: PTH112
            self.add(f"{key}: {path} is no folder; {advice}")

    def raise_any(self) -> None:
        if self.lines:
            raise UserError("\n".join(dict.fromkeys(self.lines)))
