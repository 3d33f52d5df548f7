"""What every script does first: log to a file, crashes too; end when its snakemake is killed."""

import logging
import os
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from codespectra.errors import UserError, first_line
from codespectra.files.full_disk import FullDisk, reason_of
from codespectra.files.made_by import MADE_BY

# How long a job may outlive a snakemake that was killed.
ORPHAN_SECONDS = 0.5


def start_job(log_file: str) -> logging.Logger:
    """Send log records, warnings and uncaught exceptions to `log_file` and to stderr.

    A `UserError` is logged as its message alone, and so are a full disk and a GPU that fails;
    anything else with its traceback. Snakemake itself writes nothing to `log:` when a script
    crashes. From now on the process ends with the snakemake that started it.

    Raises:
        UserError: this library isn't the one beside the script.
    """
    folder = Path(log_file).parent
    folder.mkdir(parents=True, exist_ok=True)
    # A new file: whatever a link under its name, or another of its names, leads to stays.
    Path(log_file).unlink(missing_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[
            logging.FileHandler(log_file, "x", encoding="utf-8", errors="backslashreplace"),
            logging.StreamHandler(),
        ],
        force=True,
    )
    logging.raiseExceptions = False  # a log on a full disk would add a traceback a line
    logging.captureWarnings(True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph of a PDF
    sys.excepthook = partial(_log_uncaught, folder)
    end_with_snakemake()
    _refuse_another_library()
    if job := getattr(sys.modules["__main__"], "snakemake", None):
        _tell_what_is_made(job)
        _use_threads(job.threads)
    return logging.getLogger("codespectra")


def _refuse_another_library() -> None:
    """Refuse any library but the one beside the script, whose digest is in the job's params."""
    main, imported = sys.modules["__main__"], Path(__file__).parents[1]
    if not hasattr(main, "snakemake"):
        return
    beside = Path(main.__file__).with_name(imported.name)
    if not (beside.is_dir() and beside.samefile(imported)):
        raise UserError(
            f"the library imported is {imported}, not {beside}, whose code this job is to run; "
            "pip uninstall codespectra where the job runs"
        )


def _tell_what_is_made(job: Any) -> None:
    """Let the files of this job say what makes them."""
    MADE_BY.update(
        rule=job.rule,
        params=sorted(map(repr, job.params)),
        input=sorted(map(str, job.input)),
        output=sorted(map(str, job.output)),
    )


def _use_threads(count: int) -> None:
    """Let torch take as many threads as the rule has, as all libraries of linear algebra do.

    These go by the environment that Snakemake gives the job. By that torch, with MKL, takes fewer
    where a core runs two threads.
    """
    os.environ["MKL_DYNAMIC"] = "FALSE"  # for a torch that is imported later
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def _log_uncaught(
    folder: Path, kind: type[BaseException], error: BaseException, trace: TracebackType
) -> None:
    if reason := reason_of(error):
        error = FullDisk(folder, reason)
    error = _of_gpu(error) or error
    expected = isinstance(error, UserError | KeyboardInterrupt)
    logging.getLogger("codespectra").error(
        "%s", error or kind.__name__, exc_info=None if expected else (kind, error, trace)
    )
    if isinstance(error, FullDisk):
        # HDF5 crashes at the end of a process when it couldn't write what it still holds.
        logging.shutdown()
        os._exit(1)


def _of_gpu(error: BaseException) -> UserError | None:
    """One line for a GPU that has failed or is full; None for any other error."""
    said = first_line(error)
    if type(error).__name__ == "OutOfMemoryError":
        return UserError(f"{said}; lower runtime.batch, or set runtime.device: cpu, and rerun")
    if isinstance(error, RuntimeError) and said.startswith("CUDA error"):
        return UserError(
            f"the GPU has failed: {said}; rerun, which goes on from what is there, if need be on "
            "another GPU or with runtime.device: cpu"
        )
    return None


def end_with_snakemake() -> None:
    """End this process soon after a kill -9 of the one that started it.

    Snakemake's next run would redo all that a job finishes after that, or find it still writing,
    perhaps by another config.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent and not _adopts_orphans(parent):
        time.sleep(ORPHAN_SECONDS)
    logging.getLogger("codespectra").error("snakemake, which started this job, has been killed")
    os._exit(1)  # as a kill of the job itself would; all writing is made for that


def _adopts_orphans(parent: int) -> bool:
    """Whether a parent isn't snakemake: a job orphaned while it imported.

    In a container snakemake may be process 1 itself, and is then in its job's process group.
    """
    return parent == 1 and os.getpgid(1) != os.getpgrp()
