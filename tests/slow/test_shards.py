"""A capture in shards leaves the tables as they were, and its number of shards reruns nothing."""

import re
from types import SimpleNamespace

import h5py
import pytest
from project import ROOT, Project
from snakemake.iocontainers import InputFiles

VAE = "vae-dropout0.4-seed0"
NOISY, TEXT = f"results/activations/{VAE}/test-noisy", "results/activations/gpt/text"
SPECTRUM = f"results/spectra/{VAE}/test/cross_validated_exponents.csv"


@pytest.fixture(scope="module")
def recaptured(mini, tmp_path_factory) -> Project:
    """The finished study, then two of its stores captured again in two shards."""
    project = mini.copy(tmp_path_factory.mktemp("shards") / "study")
    for name in (f"{NOISY}.h5", f"{NOISY}.json", f"{TEXT}.h5", f"{TEXT}.json", SPECTRUM):
        (project.folder / name).unlink()
    study = project.write_study({"capture.shards": 2})
    done = project.snakemake(SPECTRUM, f"{TEXT}.json", "--cores", "2", study=study)
    assert done.returncode == 0, done.stdout
    assert "capture_text_shard" in done.stdout
    return project


def test_shards_leave_manifests_and_tables_as_they_were(recaptured, mini):
    for name in (f"{NOISY}.json", f"{TEXT}.json", SPECTRUM):
        assert (recaptured.folder / name).read_bytes() == (mini.folder / name).read_bytes(), name
    with h5py.File(recaptured.folder / f"{NOISY}.h5") as file:
        sources = next(iter(file["stride"].values())).virtual_sources()
        bounds = [source.vspace.get_select_bounds() for source in sources]
    assert sorted(last[0] - first[0] + 1 for first, last in bounds) == [20, 100]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_another_number_of_shards_reruns_nothing(recaptured, count):
    assert recaptured.would_run(study=recaptured.write_study({"capture.shards": count})) == {}


def test_what_is_captured_anew_takes_the_shards_of_the_config(recaptured):
    """A store whose params have changed; one that is recaptured for its network keeps its own."""
    study = recaptured.write_study({"capture.shards": 3, "language.length": 18})
    jobs = recaptured.would_run(study=study)
    assert jobs["capture_text_shard"] == 3 * jobs["capture_text"] == 6


@pytest.mark.parametrize("shards", [[], ["1-of-2.h5", "2-of-2.h5"]])
def test_only_the_job_that_shows_the_stimuli_asks_for_a_gpu(shards):
    text = (ROOT / "workflow/rules/common.smk").read_text()
    names = {
        "without_gpu": lambda: False,
        "study": SimpleNamespace(runtime=SimpleNamespace(device="auto")),
    }
    exec(re.search(r"^def gpu_request.*?\n\n", text, re.M | re.S)[0], names)
    files = InputFiles(fromdict={"checkpoint": "a.pt", "shards": shards})
    assert names["gpu_request"](None, files) == (0 if shards else 1)
