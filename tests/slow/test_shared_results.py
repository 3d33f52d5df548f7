"""Results shared between workflows (--cache): who gets whose, by Snakemake's own keys."""

import asyncio
import importlib.metadata
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from forked import FORKS
from project import MINI, ROOT, Project, copy_project
from rules import packages_of, parsed_rules

from codespectra.files.folder_stamp import folder_stamp

SHARDS = {"capture_shard", "capture_text_shard"}
RULES = parsed_rules(shared=True)
SHARED = {name for name, rule in RULES.items() if rule.cache} - SHARDS
TEXT = {"make_text", "train_language_model", "capture_text"}
TARGET = "results/spectra/classifier/test/exponents.csv"
# Of the packages that a script imports, those whose versions change what it computes.
COMPUTE = {"numpy", "scikit-image", "scikit-learn", "torch", "torchvision", "transformers"}


def _keys(folder: Path, study: Path, versions: dict[str, str], found: Path) -> None:
    """In the fork: writes {rule and first output: key} of every shared job of a study."""
    from snakemake.api import SnakemakeApi
    from snakemake.caching.hash import ProvenanceHashMap
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        ResourceSettings,
        WorkflowSettings,
    )

    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    # Where shared results would lie; nothing is fetched or stored here.
    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(folder)
    installed = importlib.metadata.version
    importlib.metadata.version = lambda name: versions.get(name) or installed(name)
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        flow = api.workflow(
            snakefile=folder / "Snakefile",
            workdir=folder,
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[study]),
            workflow_settings=WorkflowSettings(cache=[]),
        )
        flow.dag(DAGSettings(targets={"everything"})).execute_workflow(executor="dryrun")
        jobs = [job for job in flow._workflow.dag.jobs if job.rule.cache.output]

    async def hashed() -> dict[str, str]:
        keys = ProvenanceHashMap()
        return {
            f"{job.rule.name} {job.output[0]}": await keys.get_provenance_hash(job) for job in jobs
        }

    found.write_text(json.dumps(asyncio.run(hashed())))


def keys(project: Project, study: str = MINI, **versions: str) -> dict[str, str]:
    """Key of every shared job, by its rule and first output."""
    with tempfile.TemporaryDirectory() as place:
        found = Path(place, "keys.json")
        told = (project.folder, project.folder / study, versions, found)
        process = FORKS.Process(target=_keys, args=told)
        process.start()
        process.join()
        return json.loads(found.read_text())


def rules_of(jobs: set[str]) -> set[str]:
    return {job.split()[0] for job in jobs}


def missed(before: dict[str, str], now: dict[str, str]) -> set[str]:
    """Rules with a job whose key is another now."""
    assert before.keys() == now.keys()
    return rules_of({job for job in now if now[job] != before[job]})


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return copy_project(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def plain(project) -> dict[str, str]:
    return keys(project)


def write_study(project: Project, **sections: dict) -> str:
    """A study like mini, with entries added to its sections."""
    study = yaml.safe_load((ROOT / MINI).read_text())
    for section, entries in sections.items():
        study[section] = study.get(section, {}) | entries
    (project.folder / "study.yaml").write_text(yaml.safe_dump(study))
    return "study.yaml"


def test_stimuli_training_and_capture_are_shared_and_no_two_jobs_share_a_key(plain):
    assert rules_of(plain.keys()) == SHARED
    assert {"make_stimuli", "train_classifier", "train_vae", "capture_activations"} | TEXT <= SHARED
    assert len(set(plain.values())) == len(plain)


def test_models_with_otherwise_equal_inputs_never_share(project, plain):
    study = yaml.safe_load((ROOT / MINI).read_text())
    twins = {"twin": study["models"]["classifier"]}
    spectra = {"models": ["classifier", "twin"]}
    of_text = study["language"]["models"]
    trained = next(name for name, model in of_text.items() if model["weights"] == "train")
    language = {"models": of_text | {"twin-language": of_text[trained]}}
    found = keys(project, write_study(project, models=twins, spectra=spectra, language=language))
    assert plain.items() <= found.items()
    new = found.keys() - plain.keys()
    assert rules_of(new) >= {
        *("train_classifier", "capture_activations", "train_language_model", "capture_text")
    }
    assert len(set(found.values())) == len(found)


def test_shards_are_shared_too(project, plain):
    found = keys(project, write_study(project, capture={"shards": 2}))
    assert rules_of(found.keys() - plain.keys()) == SHARDS
    assert len(set(found.values())) == len(found)


@pytest.fixture
def edited(project) -> Iterator:
    """Edits a library module for one test."""
    kept = {}

    def edit(module: str) -> dict[str, str]:
        file = project.folder / "scripts/codespectra" / module
        kept[file] = file.read_text()
        file.write_text(kept[file] + "\nEDITED = True\n")
        return keys(project)

    yield edit
    for file, text in kept.items():
        file.write_text(text)


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("data/photographs.py", SHARED - TEXT),
        ("training/epochs.py", SHARED - {"make_stimuli", "make_text"}),
        ("data/preprocessing.py", SHARED - TEXT - {"make_stimuli"}),
        ("capture/images.py", {"capture_activations"}),
        ("data/documents.py", TEXT),
        ("training/language_model.py", TEXT - {"make_text"}),
        ("capture/text.py", {"capture_text"}),
        ("models/layer_listing.py", SHARED - {"make_stimuli", "make_text"}),
        ("spectra/power_law.py", set()),
        ("jobs/start.py", set()),
    ],
)
def test_an_edited_library_module_misses(plain, edited, module, rules):
    assert missed(plain, edited(module)) == rules


def test_another_version_of_a_package_misses(project, plain):
    # One that transformers takes: layers are listed anew.
    assert missed(plain, keys(project, torch="99.0")) == SHARED - {"make_stimuli", "make_text"}
    assert missed(plain, keys(project, pillow="0.1")) == SHARED - TEXT


@pytest.mark.parametrize("name", sorted(SHARED | SHARDS))
def test_a_shared_rule_names_the_packages_that_compute(name):
    rule = RULES[name]
    assert packages_of(rule) & COMPUTE <= {*rule.params["software"]}


def test_a_changed_file_of_a_folder_misses(project, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / f"{name}.txt").write_text(name)
    folder = {"source": "folder", "root": str(tmp_path)}
    study = write_study(project, language={"text": folder})
    before = keys(project, study)
    assert keys(project, study) == before
    (tmp_path / "cat.txt").write_text("cow")
    assert missed(before, keys(project, study)) == TEXT


def test_a_stamp_tells_names_sizes_and_dates(tmp_path):
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep/a.png"
    file.write_text("one")
    os.utime(file, ns=(0, 10**9))
    first = folder_stamp(tmp_path)
    file.write_text("two")
    second = folder_stamp(tmp_path)
    os.utime(file, ns=(0, 10**9))
    assert folder_stamp(tmp_path) == first != second
    file.write_text("longer")
    os.utime(file, ns=(0, 10**9))
    assert folder_stamp(tmp_path) != first
    assert folder_stamp(tmp_path, "*.txt") == folder_stamp(tmp_path / "nothing there")


def test_a_second_working_copy_computes_nothing_that_the_first_has_shared(tmp_path, monkeypatch):
    store = tmp_path / "store"
    store.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(store))
    first, second = (copy_project(tmp_path / name) for name in ("first", "second"))
    given, taken = (copy.snakemake(TARGET, "--cores", "1", "--cache") for copy in (first, second))
    assert given.returncode == taken.returncode == 0, given.stdout + taken.stdout
    moved = set(re.findall(r"Moving output file (\S+) to cache", given.stdout))
    assert moved >= {"results/checkpoints/classifier.pt", "results/activations/classifier/test.h5"}
    assert set(re.findall(r"Symlinking output file (\S+) from cache", taken.stdout)) == moved
    assert "Moving output file" not in taken.stdout
    for file in moved:
        assert (second.folder / file).resolve() == (first.folder / file).resolve()
        assert store in (second.folder / file).resolve().parents
    assert (second.folder / TARGET).read_bytes() == (first.folder / TARGET).read_bytes()
    # What was fetched is as good as made here, with --cache and without.
    for more in ([], ["--cache"]):
        assert "Nothing to be done" in second.snakemake(TARGET, "--dry-run", *more).stdout
