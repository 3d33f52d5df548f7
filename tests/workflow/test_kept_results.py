"""A job that runs again computes what is new in it alone; its files are those of a job by force."""

import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from project import Project

SCORES = "results/interpretability/classifier/tiles"
SCORED = [
    f"{SCORES}/{name}.csv"
    for name in ("directions", "halves", "psychophysics", "manifold", "sensitivity")
]
TARGETS = [
    *("results/spectra/classifier/test/exponents.csv", "results/filters/classifier/test.csv"),
    *("results/projections/classifier/dot/action.csv", *SCORED),
    *(
        f"{SCORES}/{name}.csv"
        for name in ("autoencoders", "coactivation", "further", "stability", "synergy_units")
    ),
]
# What a layer more on `tiles` makes of each rule's job.
OF_TILES = {
    *("find_directions", "train_autoencoder", "train_autoencoder_grid", "score_interpretability"),
    "score_halves",
    *("simulate_psychophysics", "embed_manifold", "measure_coactivation", "measure_sensitivity"),
    *("measure_stability", "score_synergies", "score_further"),
}
METRICS = "color, label, inhouse"


def study(k: list[int], **more: object) -> dict[str, object]:
    """A layer more of each analysis, the others at other depths; few methods."""
    sae = {"z": ["1x"], "l1": [0.1], "epochs": 2, "batch": 20}
    return more | {
        "spectra.layers": ["relu", "layer1", "layer[12].0.relu*"],
        "filters.layers": ["relu", "layer1.0.relu:0", "layer1.0.relu:1"],
        "projections.layers": ["relu", "layer1", "layer2", "layer3"],
        "directions.layers": ["relu", "layer1", "layer2"],
        "directions.methods": {"neurons": {}, "kmeans": {"k": k, "starts": 1}, "sae": sae},
    }


def run(
    project: Project, changes: dict[str, object], targets: list[str], *arguments: str
) -> dict[str, str]:
    """What each job says that it computed, by its log; `all`, if it had nothing to take."""
    logs = project.folder / "results/logs"
    shutil.rmtree(logs, ignore_errors=True)
    changed = project.write_study(changes)
    done = project.snakemake(*targets, *arguments, "--cores", "1", study=changed)
    assert done.returncode == 0, done.stdout
    found = {}
    for log in logs.rglob("*.log"):
        said = re.search(r"INFO computed: (.*)$", log.read_text(), re.M)
        found[str(log.relative_to(logs).with_suffix(""))] = said[1] if said else "all"
    return found


def outputs(project: Project) -> dict[Path, bytes]:
    """Whatever lies beside the targets, hidden names too."""
    folders = {(project.folder / target).parent for target in TARGETS}
    for found in ("directions", "autoencoders"):
        folders.add(project.folder / f"results/{found}/classifier/tiles")
    return {
        file: file.read_bytes()
        for folder in folders
        for file in folder.iterdir()
        if file.is_file() and file.suffix != ".lock"
    }


def atoms(project: Project) -> dict[str, np.ndarray]:
    """Unit atoms of each autoencoder of the grid, by file and layer."""
    found = {}
    for path in (project.folder / "results/autoencoders/classifier/tiles").glob("*.h5"):
        with h5py.File(path) as file:
            found |= {f"{path.stem} {layer}": file[layer]["vectors"][:] for layer in file}
    return found


@pytest.fixture(scope="module")
def project(mini, tmp_path_factory) -> Project:
    return mini.copy(tmp_path_factory.mktemp("kept") / "project")


def test_only_what_is_new_is_computed(project):
    """A layer, then another K, a metric less, and the same one more."""
    found = run(project, study([4]), TARGETS)
    assert found["fit_spectra/classifier/test"] == "1: layer1"
    assert found["compute_filters/classifier/test"] == "1: layer1.0.relu:0"
    assert found["project_dot/classifier/dot"] == "1: layer3"
    of_tiles = {name: said for name, said in found.items() if name.split("/")[0] in OF_TILES}
    assert {name.split("/")[0] for name in of_tiles} == OF_TILES
    assert {name for name, x in of_tiles.items() if not re.match(r"\d+: relu(?! *,)", x)} == set()
    jobs = "score_interpretability/classifier/tiles/directions", "score_halves/classifier/tiles"
    stages = "simulate_psychophysics", "measure_sensitivity", "embed_manifold"
    others = [f"{stage}/classifier/tiles" for stage in stages]
    found = run(project, study([4, 7]), SCORED)
    assert found == {
        "find_directions/classifier/tiles/kmeans-7": "all",
        jobs[0]: f"9: relu, layer1, layer2 x kmeans-7 x {METRICS}",
        jobs[1]: "nothing",
    }
    found = run(project, study([4, 7], **{"index.color": False}), SCORED)
    assert found == dict.fromkeys([*jobs, *others], "nothing")
    found = run(project, study([4, 7]), SCORED)
    methods = "neurons, kmeans-4, kmeans-7, sae-1x-0.1"
    assert found == {
        jobs[0]: f"12: relu, layer1, layer2 x {methods} x color",
        jobs[1]: "6: relu, layer1, layer2 x lower, upper x color",
        others[0]: "6: relu, layer1, layer2 x neurons, kmeans-4 x color",
        others[1]: "3: relu, layer1, layer2 x color",
        others[2]: "3: relu, layer1, layer2 x color",
    }


def test_a_penalty_more_trains_alone(project):
    """To the same atoms as when all train together by force, but for rounding."""
    target = [f"{SCORES}/autoencoders.csv"]
    run(project, study([4, 7]), target)
    grid = {"interpretability.autoencoders.l1": [0.001, 0.01, 0.1]}
    found = run(project, study([4, 7], **grid), target)
    jobs = {f"train_autoencoder_grid/classifier/tiles/sae-{z}" for z in ("1x", "2x")}
    assert found.keys() == jobs | {"score_interpretability/classifier/tiles/autoencoders"}
    log = (project.folder / "results/logs" / f"{min(jobs)}.log").read_text()
    told = re.findall(r"epoch 2/2: .*'train_losses': \[([^]]*)\]", log)
    assert [losses.count(",") for losses in told] == [0, 0, 0]  # of three layers
    before = atoms(project)
    assert len(before) == 2 * 3 * 3  # sizes, penalties, layers
    run(project, study([4, 7], **grid), target, "--forcerun", "train_autoencoder_grid")
    for place, found in atoms(project).items():
        np.testing.assert_allclose(found, before[place], atol=1e-5, err_msg=place)


def test_what_was_gathered_is_what_force_computes_at_once(project):
    run(project, study([4, 7]), TARGETS)
    before = outputs(project)
    rules = [*OF_TILES, "fit_spectra", "compute_filters", "project_dot"]
    found = run(project, study([4, 7]), TARGETS, "--forcerun", *rules)
    assert {*found.values()} == {"all"}
    assert outputs(project) == before
