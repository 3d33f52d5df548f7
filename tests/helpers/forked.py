"""Work in a fork of a process that has Snakemake's modules loaded: a second less than anew."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeVar

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "snakemake.report", "pandas"])
T = TypeVar("T")


def in_fork(work: Callable[..., T], folder: Path, *arguments: Any) -> T:
    """What `work(*arguments)` returns in a fork; it has the folder as its own and says nothing.

    Args:
        work: a function of a helper, since a fork can't import tests.
    """
    with ProcessPoolExecutor(1, mp_context=FORKS) as pool:
        return pool.submit(_work, dict(os.environ), folder, work, *arguments).result()


def _work(environment: dict[str, str], folder: Path, work: Callable[..., T], *arguments: Any) -> T:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return work(*arguments)


def forked_snakemake(folder: Path, *arguments: str) -> CompletedProcess:
    """What the command `snakemake` does in a folder; its stdout and stderr come back together."""
    return in_fork(_snakemake, folder, arguments)


def _snakemake(arguments: tuple[str, ...]) -> CompletedProcess:
    from snakemake.cli import main

    status, sys.argv = 0, ["snakemake", *arguments]
    with tempfile.TemporaryFile("w+") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
            if isinstance(status, str):  # told and taken for 1, as by the interpreter
                print(status, file=sys.stderr)
                status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        said.seek(0)
        return CompletedProcess(sys.argv, status, said.read())
