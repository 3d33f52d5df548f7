"""Snakemake in a process that is forked with its modules loaded: a second less a dry run."""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "snakemake.report", "pandas"])


def _run(
    folder: Path, arguments: tuple[str, ...], output: Path, status: Path, environment: dict
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

    try:
        main()
    except SystemExit as end:
        told = isinstance(end.code, str)
        if told:
            sys.stderr.write(end.code)
        status.write_text(str(1 if told else int(end.code or 0)))


def forked_snakemake(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status of snakemake in a folder, and its stdout and stderr together."""
    with tempfile.TemporaryDirectory() as place:
        # A start in one thread may read the status of another's child, whose exitcode then is 255.
        output, status = Path(place, "output"), Path(place, "status")
        told = (folder, arguments, output, status, dict(os.environ))
        process = FORKS.Process(target=_run, args=told)
        process.start()
        process.join()
        said = output.read_text() if output.exists() else ""
        return int(status.read_text()) if status.exists() else -1, said
