"""The mini study, run once whatever the number of processes that test."""

import fcntl
import os

import pytest
from hypothesis import HealthCheck, settings
from opened_files import noting
from project import Project, copy_project

# How fast a machine is decides nothing.
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any")


@pytest.fixture(scope="session")
def mini(tmp_path_factory) -> Project:
    """All of the study, finished, in a copy for this process; tests put back what they change."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "mini.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "mini").exists():
            project = copy_project(shared / "running")
            with noting(project):
                done = project.snakemake("everything", "--cores", "2")
            assert done.returncode == 0, done.stdout
            project.folder.rename(shared / "mini")
    return Project(shared / "mini").copy(tmp_path_factory.mktemp("mini") / "project")


@pytest.fixture
def noting_every_batch(monkeypatch) -> None:
    """Captures note their progress after each batch, not every few seconds."""
    from codespectra.capture import journal

    monkeypatch.setattr(journal, "PROGRESS_SECONDS", 0)
