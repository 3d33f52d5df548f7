"""A working copy of the project, studies in it, and snakemake."""

import copy
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from forked import forked_snakemake

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
MINI = "workflow/studies/mini.yaml"
REMEMBERED = ".snakemake/codespectra"


def read_config(study: str = "config.yaml") -> dict[str, Any]:
    """A config of this repository; the embedded default if no other is named."""
    return yaml.safe_load((ROOT / study).read_text("utf-8"))


def changed(config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy of a config with other values at dotted paths."""
    edited = copy.deepcopy(config)
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = edited
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
    return edited


@dataclass(frozen=True)
class Project:
    """A working copy in which snakemake is run as a user would run it."""

    folder: Path

    def snakemake(self, *arguments: str, study: str | None = MINI) -> subprocess.CompletedProcess:
        """Run snakemake here; stdout and stderr come back together."""
        config = ["--configfile", study] if study else []
        return forked_snakemake(self.folder, *arguments, *config)

    def failure(self, *arguments: str, study: str | None = MINI) -> str:
        """What is said by a run that fails, as it must, without a traceback."""
        done = self.snakemake(*arguments, study=study)
        assert done.returncode != 0 and "Traceback" not in done.stdout, done.stdout
        return done.stdout

    def would_run(self, target: str = "everything", study: str = MINI) -> dict[str, int]:
        """Jobs of a dry run: how many of each rule; the target itself isn't counted."""
        done = self.snakemake(target, "--dry-run", study=study)
        assert done.returncode == 0, done.stdout
        return {rule: count for rule, count in table_of_jobs(done).items() if rule != target}

    def write_study(self, changes: dict[str, Any], study: str = MINI) -> str:
        """Write a study here that is one of the repository with other values at dotted paths."""
        name = f"changed-{Path(study).name}"
        (self.folder / name).write_text(yaml.safe_dump(changed(read_config(study), changes)))
        return name

    def outputs(self) -> dict[Path, Path]:
        """Every file under results but logs, benchmarks and locks, by its path there."""
        root = self.folder / "results"
        files = (file for file in root.rglob("*") if file.is_file() and file.suffix != ".lock")
        named = {file.relative_to(root): file for file in files}
        return {n: file for n, file in named.items() if n.parts[0] not in {"logs", "benchmarks"}}

    def copy(self, folder: Path) -> "Project":
        """The same with all results in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)


def table_of_jobs(done: subprocess.CompletedProcess) -> dict[str, int]:
    """How many jobs of each rule a dry run lists."""
    table = done.stdout.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


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
    share_memory(folder)
    return Project(folder)


def share_memory(folder: Path) -> None:
    """Let starts in a folder remember what is slow to work out, layers of networks, as others do.

    It is kept where this working copy keeps it, by all that it follows from.
    """
    (ROOT / REMEMBERED).mkdir(parents=True, exist_ok=True)
    (folder / REMEMBERED).parent.mkdir()
    (folder / REMEMBERED).symlink_to(ROOT / REMEMBERED)
