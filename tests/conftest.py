"""A copy of the project with the mini study run in it, once a session."""

import pytest
from project import Project, copy_project


@pytest.fixture(scope="session")
def mini(tmp_path_factory) -> Project:
    """All of the mini study, finished; tests put back what they change."""
    project = copy_project(tmp_path_factory.mktemp("mini"))
    done = project.snakemake("everything", "--cores", "2")
    assert done.returncode == 0, done.stdout
    return project
