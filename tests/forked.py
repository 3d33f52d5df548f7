"""Snakemake in a process that is forked with its modules loaded: a second less a dry run."""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "snakemake.report", "pandas"])


def _run(
    folder: Path, arguments: tuple[str, ...], output: Path, environment: dict[str, str]
) -> None:
    """In the fork: what the command `snakemake` does."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()


def forked_snakemake(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status of snakemake in a folder, and its stdout and stderr together."""
    with tempfile.NamedTemporaryFile("r") as output:
        told = (folder, arguments, Path(output.name), dict(os.environ))
        process = FORKS.Process(target=_run, args=told)
        process.start()
        process.join()
        return process.exitcode, output.read()
