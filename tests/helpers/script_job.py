"""A rule's script, run in this process as by snakemake."""

import logging
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from project import SCRIPTS

from codespectra.jobs import start


class Named(dict):
    """Files or params as snakemake hands them to a script."""

    __getattr__ = dict.__getitem__


def run_script(
    name: str,
    inputs: dict[str, Any],
    outputs: dict[str, Path],
    cfg: dict[str, Any],
    *,
    config: dict[str, Any] | None = None,
    **params: Any,
) -> None:
    """Run it with a logger, but without a log file and a watch for its snakemake's end."""

    def as_paths(files: dict[str, Any]) -> Named:
        paths = {key: str(file) if isinstance(file, Path) else file for key, file in files.items()}
        return Named(paths)

    job = SimpleNamespace(
        input=as_paths(inputs),
        output=as_paths(outputs),
        params=Named({"code": ""} | params, cfg=cfg),
        log=["unused"],
        threads=1,
        resources={},
        config=config or {"runtime": {"device": "cpu"}},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "start_job", lambda _: logging.getLogger("codespectra"))
        runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": job})
