"""Which files the scripts of a run open, as Python itself tells."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from project import Project

NOTED = ".snakemake/opened.txt"
# Of Python, and of the hub's client: what they keep of other files.
KEPT = {"__pycache__", "trees"}


@contextmanager
def noting(project: Project) -> Iterator[None]:
    """Meanwhile what a run in a copy opens is noted there; links are followed."""
    (project.folder / NOTED).write_text(f"{project.folder.resolve()}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "noting"), prepend=os.pathsep)
        patch.setenv("NOTE_OPENED_IN", str(project.folder / NOTED))
        yield


def opened(project: Project) -> dict[str, set[Path]]:
    """Files of the copy, but for its results and its library, by the scripts that opened them.

    Not those that only a library in another language than Python opens.
    """
    noted = (project.folder / NOTED).read_bytes().splitlines()
    here = Path(os.fsdecode(noted[0]))
    own = [here / name for name in ("results", "scripts/codespectra", ".snakemake")]
    found: dict[str, set[Path]] = {}
    for line in noted[1:]:
        script, _, name = os.fsdecode(line).partition("\t")
        files, path = found.setdefault(script, set()), Path(name)
        if (
            path.is_relative_to(here)
            and not any(map(path.is_relative_to, own))
            and KEPT.isdisjoint(path.parts)
        ):
            files.add(path.relative_to(here))
    return found
