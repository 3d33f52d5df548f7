"""No rule opens a file from outside results/ whose change would leave its job as it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import COMMIT, hub_with
from opened_files import noting, opened
from planned_jobs import rules_following
from project import MINI, Project, copy_project
from rules import BASE, TARGETS, parsed_rules

outside_study = pytest.importorskip("outside_study", reason="gguf isn't installed")

# Shards do what the jobs do that are one; two need a network; activations from files have a test of
# their own, in tests/workflow; and the atlas is none of these targets: it reads results alone.
NOT_RUN = {
    *("capture_shard", "capture_text_shard", "download_checkpoint", "explain_by_chat"),
    *("import_activations", "import_embeddings", "embed_by_dreamsim", "tile_images"),
    *("map_directions", "describe_directions", "describe_text_units", "bind_atlas"),
    # The zoo: tests/workflow/test_zoo.py.
    *("place_directions", "measure_network", "gather_zoo"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    """A copy in which all that reads files of the study has run."""
    project = copy_project(tmp_path_factory.mktemp("outside"))
    study = outside_study.write_outside_study(project)
    with pytest.MonkeyPatch.context() as patch, noting(project):
        patch.setenv("HF_HUB_CACHE", str(project.folder / "hub"))
        done = project.snakemake(*outside_study.READ, "--cores", "2", study=study)
        assert done.returncode == 0, done.stdout
        yield project


def test_all_scripts_have_run(mini, project):
    scripts = {r.script for name, r in parsed_rules().items() if name not in TARGETS | {BASE}}
    ran = {f"{name}.py" for copy in (mini, project) for name in opened(copy)}
    assert scripts - ran == {f"{name}.py" for name in NOT_RUN}


def test_a_study_without_files_of_its_own_opens_none(mini):
    assert {script: files for script, files in opened(mini).items() if files} == {}


def test_a_file_that_changes_reruns_exactly_the_rules_that_open_it(project):
    by_file: dict[Path, set[str]] = {}
    for script, files in opened(project).items():
        # A branch of the hub that leads nowhere is no change; one that moves is tested below.
        for file in (file for file in files if "refs" not in file.parts):
            by_file.setdefault(file, set()).add(script)
    # Of files that only their numbers tell apart, one.
    one = {
        (re.sub(r"\d+(?=\.\w+$)", "N", str(file)), *openers): file
        for file, openers in by_file.items()
    }
    assert len(one) >= 25
    for file, (first, running) in rules_following(project, "outside.yaml", [*one.values()]).items():
        assert first <= by_file[file] <= running, file


def test_what_a_job_has_fetched_itself_is_no_change(tmp_path, monkeypatch):
    """And a branch of the hub that leads elsewhere later is one."""
    project = copy_project(tmp_path / "fetching")
    net = outside_study.GIVEN | {"weights": "hub", "repository": "org/tiny", "file": "a.pth"}
    study = project.write_study({"models.net": net | {"revision": "v1"}}, MINI)
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path))
    target = "results/checkpoints/net.json"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    outside_study.save_alexnet(tmp_path / "a.pth")
    with hub_with({"a.pth": (tmp_path / "a.pth").read_bytes()}, []) as port:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        assert "with --cache nobody knows what will be fetched: run `hf download" in (
            project.failure(target, "--dry-run", "--cache", study=study)
        )
        assert project.snakemake(target, "--cores", "1", study=study).returncode == 0
    assert project.would_run(target, study) == {}
    home = (tmp_path / "hub/models--org--tiny").rename(tmp_path / "away")
    assert project.would_run(target, study) == {}
    home.rename(tmp_path / "hub/models--org--tiny")
    home = tmp_path / "hub/models--org--tiny"
    (home / "snapshots" / COMMIT).rename(home / "snapshots" / COMMIT[::-1])
    (home / "refs/v1").write_text(COMMIT[::-1])
    assert project.would_run(target, study) == {"import_checkpoint": 1}
