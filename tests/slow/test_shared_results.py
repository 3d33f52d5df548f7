"""Results shared between workflows (--cache): who gets whose, by Snakemake's own keys."""

import os
import re

import pytest
from planned_jobs import cache_keys, edited
from project import MINI, Project, copy_project, read_config
from rules import packages_of, parsed_rules

SHARDS = {"capture_shard", "capture_text_shard"}
TEXT = {"make_text", "train_language_model", "capture_text"}
IMPORTS = {"import_activations"}  # of which this study has none
SHARED = {"make_stimuli", "train_classifier", "train_vae", "capture_activations"} | TEXT
TARGET = "results/spectra/classifier/test/exponents.csv"
# Of the packages that a script imports, those whose versions change what it computes.
COMPUTE = {"numpy", "pillow", "scikit-image", "scikit-learn", "timm", "torch", "torchvision"}
COMPUTE |= {"transformers"}


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
    return cache_keys(project)


def test_stimuli_training_and_capture_are_shared_and_no_two_jobs_share_a_key(plain):
    rules = parsed_rules(shared=True)
    assert {name for name, rule in rules.items() if rule.cache} == SHARED | SHARDS | IMPORTS
    assert rules_of(plain.keys()) == SHARED
    assert len(set(plain.values())) == len(plain)
    for name in SHARED | SHARDS | IMPORTS:
        software = rules[name].params["software"]
        assert packages_of(rules[name]) & COMPUTE <= software.keys(), name


def test_models_with_otherwise_equal_inputs_never_share(project, plain):
    mini = read_config(MINI)
    of_text = mini["language"]["models"]
    trained = next(name for name, model in of_text.items() if model["weights"] == "train")
    study = project.write_study(
        {
            "models.twin": mini["models"]["classifier"],
            "spectra.models": ["classifier", "twin"],
            "language.models.twin-language": of_text[trained],
        }
    )
    found = cache_keys(project, study)
    assert plain.items() <= found.items()
    new = found.keys() - plain.keys()
    assert rules_of(new) >= {
        *("train_classifier", "capture_activations", "train_language_model", "capture_text")
    }
    assert len(set(found.values())) == len(found)


def test_shards_are_shared_too(project, plain):
    found = cache_keys(project, project.write_study({"capture.shards": 2}))
    assert rules_of(found.keys() - plain.keys()) == SHARDS
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("data/photographs.py", SHARED - TEXT),
        ("training/epochs.py", SHARED - {"make_stimuli", "make_text"}),
        ("data/preprocessing.py", SHARED - TEXT - {"make_stimuli"}),
        ("models/layer_listing.py", SHARED - {"make_stimuli", "make_text"}),
        ("capture/images.py", {"capture_activations"}),
        ("data/documents.py", TEXT),
        ("training/language_model.py", TEXT - {"make_text"}),
        ("capture/text.py", {"capture_text"}),
        ("jobs/start.py", set()),
        ("spectra/power_law.py", set()),
    ],
)
def test_an_edited_library_module_misses(project, plain, module, rules):
    with edited(project.folder / "scripts/codespectra" / module):
        assert missed(plain, cache_keys(project)) == rules


def test_another_version_of_a_package_misses(project, plain):
    # One that transformers takes: layers are listed anew.
    assert missed(plain, cache_keys(project, torch="99.0")) == SHARED - {
        "make_stimuli",
        "make_text",
    }
    assert missed(plain, cache_keys(project, pillow="0.1")) == SHARED - TEXT


def test_contents_of_a_user_s_folder_decide_whatever_links_and_dates_say(project, tmp_path):
    folders = {"first": ("cat", 1), "later": ("cat", 9), "other": ("cow", 1)}
    for name, (text, date) in folders.items():
        (tmp_path / name).mkdir()
        for file in (tmp_path / name / "a.txt", tmp_path / name / "b.txt"):
            file.write_text(text)
            os.utime(file, (date, date))
    link = project.folder / "given"
    study = project.write_study({"language.text": {"source": "folder", "root": "given"}})
    found = {}
    for name in folders:
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / name)
        found[name] = cache_keys(project, study)
    assert found["first"] == found["later"]
    assert missed(found["first"], found["other"]) == TEXT


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
