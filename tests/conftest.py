"""The mini study run once in a copy of the project, by one of the processes of the tests."""

import pytest
from project import Project, copy_project


@pytest.fixture(scope="session")
def mini(tmp_path_factory) -> Project:
    """All of the mini study, finished; tests put back what they change."""
    project = copy_project(tmp_path_factory.mktemp("mini"))
    done = project.snakemake("everything", "--cores", "2")
    assert done.returncode == 0, done.stdout
    return project


@pytest.fixture
def noting_every_batch(monkeypatch) -> None:
    """Captures note their progress after each batch, not every few seconds."""
    from codespectra.capture import journal

    monkeypatch.setattr(journal, "PROGRESS_SECONDS", 0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all that looks at the mini study, and whole files, which share fixtures."""
    for item in items:
        group = "mini" if "mini" in item.fixturenames else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
