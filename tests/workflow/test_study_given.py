"""A study as snakemake is given it: by config.yaml, by files, or by arguments."""

import pytest
from project import MINI, Project, copy_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = copy_project(tmp_path_factory.mktemp("given"))
    (found.folder / "twice.yaml").write_text("claims:\n  seed: 1\n  seed: 2\n")
    return found


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--configfile", "twice.yaml"], "twice.yaml: claims.seed stands on lines 2 and 3"),
        (["--configfile", MINI, "twice.yaml"], "twice.yaml: claims.seed stands on lines 2 and 3"),
        (["--config", "claims={seed: '1'}"], "config: claims.seed: Input should be a valid int"),
        (["--config", "claims={seed: -1}"], "config: claims.seed: Input should be greater than or"),
        (["--config", "study=null"], "config: study: Input should be a valid string (found None)"),
    ],
)
def test_a_mistake_is_one_line(project: Project, given: list[str], told: str) -> None:
    assert told in last_line(project.failure("--dry-run", *given, study=None))


def test_a_broken_config_is_told_with_its_place(project: Project) -> None:
    default = project.folder / "config.yaml"
    whole = default.read_text()
    default.write_text(whole.replace("seeds: [0, 1, 2]", "seeds: [0, 1, 2"))
    try:
        found = last_line(project.failure("--dry-run", study=None))
    finally:
        default.write_text(whole)
    line = whole[: whole.index("seeds: [0, 1, 2]")].count("\n") + 1
    assert found.startswith(f"config.yaml, line {line + 2}, column "), found


def test_arguments_change_what_a_file_says(project: Project) -> None:
    done = project.snakemake("--dry-run", "main", "--config", "claims={resamples: 99}")
    assert last_line(done.stdout) == (
        "config: claims.resamples: Input should be greater than or equal to 100 (found 99)"
    )
    done = project.snakemake("--dry-run", "main", "--config", "claims={resamples: 123}")
    assert done.returncode == 0, done.stdout
