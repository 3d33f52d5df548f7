"""A working copy of the project, and snakemake in it."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from forked import forked_snakemake

ROOT = Path(__file__).parents[2]
MINI = "workflow/studies/mini.yaml"


@dataclass(frozen=True)
class Project:
    """A working copy in which snakemake is run as a user would run it."""

    folder: Path

    def snakemake(self, *arguments: str, study: str | None = MINI) -> subprocess.CompletedProcess:
        """Run snakemake here; stdout and stderr come back together."""
        config = ["--configfile", study] if study else []
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments, *config],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def would_run(self, target: str = "everything", study: str = MINI) -> dict[str, int]:
        """Jobs of a dry run: how many of each rule; the target itself isn't counted."""
        arguments = (target, "--dry-run", "--configfile", study)
        status, said = forked_snakemake(self.folder, *arguments)
        assert status == 0, said
        table = said.partition("Job stats:")[2].partition("total")[0]
        jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
        jobs.pop(target, None)
        return jobs


def copy_project(folder: Path) -> Project:
    """Copy what git tracks, and new files that it doesn't ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=True,
    ).stdout.split("\n")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Project(folder)
