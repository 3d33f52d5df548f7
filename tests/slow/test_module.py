"""The mini study's main job as a module of another workflow: the same files, under a prefix."""

import pytest
import yaml
from project import MINI, Project, read_config

OUTER = """
configfile: "outer.yaml"

module codespectra:
    snakefile: "{}"
    config: config["codespectra"]
    prefix: "deep/er"

use rule * from codespectra as cs_*
"""


@pytest.fixture
def outer(mini, tmp_path):
    """Writes another workflow, whose config holds the mini study with these sections."""

    def write(**sections) -> Project:
        study = read_config(MINI) | sections
        (tmp_path / "Snakefile").write_text(OUTER.format(mini.folder / "Snakefile"), "utf-8")
        (tmp_path / "outer.yaml").write_text(yaml.safe_dump({"codespectra": study}), "utf-8")
        return Project(tmp_path)

    return write


def test_the_main_job_makes_the_same_files(outer, mini):
    workflow = outer()
    done = workflow.snakemake("cs_main", "--cores", "2", study=None)
    assert done.returncode == 0, done.stdout
    made, expected = Project(workflow.folder / "deep/er").outputs(), mini.outputs()
    assert len(made) > 100
    assert not [n for n, file in made.items() if file.read_bytes() != expected[n].read_bytes()]
    done = workflow.snakemake("cs_main", "--cores", "2", study=None)
    assert "Nothing to be done" in done.stdout


def test_a_finished_capture_keeps_its_shards(outer):
    target = "deep/er/results/activations/untrained/test.h5"
    done = outer(capture={"shards": 2}).snakemake(target, "--cores", "2", study=None)
    assert done.returncode == 0, done.stdout
    done = outer(capture={"shards": 3}).snakemake(target, "--dry-run", study=None)
    assert "Nothing to be done" in done.stdout
