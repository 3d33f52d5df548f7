"""The zoo: what a changed key or file runs again, and mistakes that are told before any job."""

from collections import Counter

import pytest
import yaml
from planned_jobs import Plan, plans
from project import Project, changed, copy_project

STUDY = "zoo_planned.yaml"
BASE = {
    "study": "zoo-planned",
    "stimuli": {"tiles": {"source": "photograph_tiles", "max_per_class": 8, "min_contrast": 0.03}},
    "models": {
        "small": {"architecture": {"name": "small_alexnet"}, "weights": "random"},
    },
    "backbones": {"own": {"kind": "network", "model": "small", "layers": [{"type": "ReLU"}]}},
    "spectra": {"ranks": [2, 12]},
    "index": {"m": 3, "backbones": ["own"]},
    "zoo": {
        "networks": ["timm:test_resnet", "timm:test_vit[23]"],
        "table": "networks.csv",
        "stimuli": "tiles",
        "mis": {"references": 4, "trials": 3},
    },
}
TABLE = "network,weights,year\ntimm:test_resnet,mine.pt,2015\ntimm:test_vit2,,2020\n"
DRAWN = {"gather_zoo": 1, "draw_zoo": 1}
ALL = {"measure_network": 3} | DRAWN
MATRIX = {
    "zoo.networks": (["timm:test_*net", "timm:test_vit[23]"], {"measure_network": 4} | DRAWN),
    "zoo.table": ("later.csv", DRAWN),  # other years
    "zoo.weights": ("hub", {"measure_network": 2} | DRAWN),
    "zoo.seed": (1, {"measure_network": 2} | DRAWN),
    "zoo.preprocessing.side": (40, ALL),
    "zoo.layers": (["*"], ALL),
    "zoo.depths": ([1.0], ALL),
    "zoo.measures": (["exponent", "ii"], ALL),
    "zoo.mis.slope": (1.0, ALL),
    "spectra.ranks": ([3, 12], ALL),
    "index.m": (4, ALL),
    "index.label": (False, ALL),
    "models.small.seed": (1, {"initialise_checkpoint": 1, "embed_stimuli": 1} | ALL),
    "stimuli.tiles.pitch": (44, {"make_stimuli": 1, "embed_stimuli": 1} | ALL),
    "claims.seed": (1, {"draw_zoo": 1}),
    "runtime.batch": (7, {}),
}
CLAIMS = {"judge_claims", "draw_claims", "everything"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("zoo"))
    (project.folder / "networks.csv").write_text(TABLE)
    (project.folder / "later.csv").write_text(TABLE.replace("2015", "2016"))
    (project.folder / "mine.pt").touch()
    (project.folder / STUDY).write_text(yaml.safe_dump(BASE))
    return project


@pytest.fixture(scope="module")
def planned(project: Project) -> dict[str, Plan]:
    """Plan of the study with each key's new value, with another file, and under "" as it is."""
    configs = {key: changed(BASE, {key: value}) for key, (value, _) in MATRIX.items()}
    found = plans(project, configs | {"": BASE}, BASE)
    (project.folder / "mine.pt").write_text("other")
    return found | plans(project, {"a file": BASE}, BASE)


CASES = {key: runs for key, (_, runs) in MATRIX.items()}
CASES |= {"a file": {"measure_network": 1} | DRAWN}


@pytest.mark.parametrize("key", CASES)
def test_what_has_changed_runs_what_depends_on_it(planned: dict[str, Plan], key: str) -> None:
    plan, before = planned[key], planned[""]
    running = {name for name, job in plan.items() if job != before.get(name)}
    for name, job in plan.items():  # each after those that it follows
        if job.follows & running:
            running.add(name)
    counts = Counter(plan[name].rule for name in running)
    assert {rule: n for rule, n in counts.items() if rule not in CLAIMS} == CASES[key]


def test_the_networks_are_told_before_anything_runs(project: Project) -> None:
    done = project.snakemake("zoo", "--dry-run", study=STUDY)
    assert done.returncode == 0, done.stdout
    told = "zoo: 3 networks (timm:test_resnet: 1, timm:test_vit[23]: 2)"
    assert told in done.stdout
