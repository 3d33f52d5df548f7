"""A job that runs again computes what is new in it alone; its files are those of a job by force."""

import re
import shutil
from pathlib import Path

import pytest
from project import MINI, Project

from codespectra.files.kept_results import kept_name

SCORES = "results/interpretability/classifier/tiles"
SCORED = [f"{SCORES}/directions.csv", f"{SCORES}/halves.csv", f"{SCORES}/psychophysics.csv"]
OTHERS = ["autoencoders", "coactivation", "manifold", "sensitivity", "synergy_units"]
TARGETS = [
    *("results/spectra/classifier/test/exponents.csv", "results/filters/classifier/test.csv"),
    "results/projections/classifier/dot/action.csv",
    *SCORED,
    *(f"{SCORES}/{name}.csv" for name in OTHERS),
]
KEPT_BY = [
    *("fit_spectra", "compute_filters", "project_dot", "find_directions", "train_autoencoder"),
    *("score_interpretability", "score_halves", "simulate_psychophysics", "embed_manifold"),
    *("measure_coactivation", "measure_sensitivity", "score_synergies"),
]
METHODS = {"directions.methods": {"neurons": {}, "kmeans": {"k": [4], "starts": 1}}}
# A layer before the others, so that all are at another depth.
LAYER = METHODS | {
    "spectra.layers": ["relu", "layer1.0.relu:0", "layer[12].0.relu*"],
    "filters.layers": ["relu", "layer1.0.relu:0", "layer1.0.relu:1"],
    "projections.layers": ["relu", "layer1", "layer2", "layer3"],
    "directions.layers": ["relu", "layer1", "layer2"],
}
ANOTHER_K = LAYER | {"directions.methods.kmeans.k": [4, 7]}
ONE_LESS = ANOTHER_K | {"index.color": False}


def run(project: Project, changes: dict, targets: list[str], *arguments: str) -> dict[str, str]:
    """What each job says that it computed, by its log; `all`, if it had nothing to take."""
    logs = project.folder / "results/logs"
    shutil.rmtree(logs)
    study = project.write_study(changes)
    done = project.snakemake(*targets, *arguments, "--cores", "1", study=study)
    assert done.returncode == 0, done.stdout
    found = {}
    for log in logs.rglob("*.log"):
        said = re.search(r"INFO computed: (.*)$", log.read_text(), re.M)
        found[str(log.relative_to(logs).with_suffix(""))] = said[1] if said else "all"
    return found


def outputs(project: Project) -> dict[Path, bytes]:
    """Whatever lies beside the targets, hidden names too."""
    folders = {(project.folder / target).parent for target in TARGETS}
    folders.add(project.folder / "results/directions/classifier/tiles")
    return {
        file: file.read_bytes()
        for folder in folders
        for file in folder.iterdir()
        if file.is_file() and file.suffix != ".lock"
    }


@pytest.fixture(scope="module")
def project(mini, tmp_path_factory) -> Project:
    return mini.copy(tmp_path_factory.mktemp("kept") / "project")


def test_only_what_is_new_is_computed(project):
    """A layer, then another K, a metric less and one more, each in place of a fresh run."""
    found = run(project, LAYER, TARGETS)
    assert {name: found[name] for name in found if name.split("/")[0] in KEPT_BY} == {
        "fit_spectra/classifier/test": "1: layer1",
        "compute_filters/classifier/test": "1: layer1.0.relu:0",
        "project_dot/classifier/dot": "1: layer3",
        **{
            f"{rule}/classifier/tiles/{method}": "1: relu"
            for rule, methods in FOUND_BY.items()
            for method in methods
        },
    }
