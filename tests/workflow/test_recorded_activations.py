"""Activations from files through the workflow: analysed as captured ones, rerun by contents."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from project import Project, copy_project

from codespectra.files.hdf5_files import open_hdf5
from codespectra.spectra.cvpca import cross_validated_spectrum

# As an issue gave it: no other section, and nothing beside it but the file.
OWN = """
study: own
activations:
  mine: {file: acts.npy, rows: in_order}
spectra:
  activations: [mine]
  ranks: [10, 50]
"""
DRAWN = ("draw_spectra", "draw_exponents", "draw_windows")
IMPORTED = {"import_activations": 1, "fit_spectra": 1, **dict.fromkeys(DRAWN, 1)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("own"))
    random = np.random.default_rng(0)
    law = np.arange(1, 121) ** -0.5
    numbers = (random.standard_normal((1500, 120)) * law).astype(np.float32)
    np.save(project.folder / "acts.npy", numbers)
    (project.folder / "own.yaml").write_text(OWN)
    done = project.snakemake("--cores", "2", study="own.yaml")
    assert done.returncode == 0, done.stdout
    return project


def test_a_planted_law_is_found_in_a_file(own: Project) -> None:
    (row,) = pd.read_csv(own.folder / "results/spectra/mine/mine/exponents.csv").itertuples()
    assert (row.layer, row.stimulus_count, row.width, row.stride) == ("acts", 1500, 120, 1)
    assert row.alpha_low < -1 < row.alpha_high and abs(row.alpha + 1) < 0.06


def test_contents_make_it_run_again_and_nothing_else_does(own: Project) -> None:
    file = own.folder / "acts.npy"
    assert own.would_run("main", "own.yaml") == {}
    os.utime(file)
    assert own.would_run("main", "own.yaml") == {}
    moved = own.folder / "elsewhere/acts.npy"
    moved.parent.mkdir()
    shutil.copy(file, moved)
    (own.folder / "moved.yaml").write_text(OWN.replace("acts.npy", "elsewhere/acts.npy"))
    assert own.would_run("main", "moved.yaml") == {}
    numbers = np.load(moved)
    numbers[0, 0] += 1
    np.save(moved, numbers)
    assert own.would_run("main", "moved.yaml") == IMPORTED | {"judge_claims": 1, "draw_claims": 1}
    more = yaml.safe_load(OWN)
    more["activations"]["other"] = {"file": "elsewhere/acts.npy", "rows": "in_order"}
    more["spectra"]["activations"].append("other")
    (own.folder / "more.yaml").write_text(yaml.safe_dump(more))
    # The figures and claims show both; the first isn't imported again.
    assert own.would_run("main", "more.yaml") == IMPORTED | {"judge_claims": 1, "draw_claims": 1}


def test_repeats_are_cross_validated(own: Project) -> None:
    """Noise of each presentation isn't in the covariance of the two."""
    random = np.random.default_rng(1)
    signal = random.standard_normal((400, 60)) * np.arange(1, 61) ** -0.5
    shown = random.permutation(np.repeat(np.arange(400), 2))
    numbers = (signal[shown] + 0.5 * random.standard_normal((800, 60))).astype(np.float32)
    np.savez(own.folder / "noisy.npz", v1=numbers)
    count = pd.Series(shown).groupby(shown).cumcount()
    rows = pd.DataFrame({"stimulus_id": [f"image {n}" for n in shown], "repeat": count})
    rows.to_csv(own.folder / "rows.csv", index=False)
    study = {
        "study": "repeats",
        "activations": {"mouse": {"file": "noisy.npz", "table": "rows.csv"}},
        "spectra": {"activations": ["mouse"], "ranks": [5, 30]},
        "directions": {"runs": [{"activations": "mouse"}], "methods": {"neurons": {}, "pca": {}}},
    }
    (own.folder / "repeats.yaml").write_text(yaml.safe_dump(study))
    done = own.snakemake("--cores", "2", study="repeats.yaml")
    assert done.returncode == 0, done.stdout
    results = own.folder / "results"
    with open_hdf5(results / "activations/mouse/mouse.h5") as file:
        mean = file["none/v1"][:]
    with open_hdf5(results / "activations/mouse/mouse-noisy.h5") as file:
        halves = file["none/v1"][:]
    order = pd.unique(pd.Series(shown))  # as the file first has them
    first, second = (numbers[[np.flatnonzero(shown == n)[r] for n in order]] for r in (0, 1))
    np.testing.assert_array_equal(halves, np.concatenate([first, second]))
    np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-6)
    expected = cross_validated_spectrum(first, second, components=100).eigenvalues
    found = pd.read_csv(results / "spectra/mouse/mouse/cross_validated_eigenvalues.csv")
    np.testing.assert_allclose(found["eigenvalue"], expected, rtol=1e-4, atol=1e-6)
    assert (found["plain"] - found["eigenvalue"])[:40].mean() == pytest.approx(0.25, abs=0.08)
    assert {file.name for file in (results / "directions/mouse/mouse").glob("*.h5")} == {
        "neurons.h5",
        "pca-1x.h5",
    }


def test_images_that_were_shown_give_scores(own: Project) -> None:
    random = np.random.default_rng(2)
    photos = {"source": "photographs", "split": "all", "per_class": 12, "side": 32, "crops": [200]}
    np.save(own.folder / "seen.npy", random.random((120, 10, 3, 3)).astype(np.float32))
    study = {
        "study": "seen",
        "stimuli": {"photos": photos},
        "activations": {
            "mine": {
                "file": "seen.npy",
                "rows": "in_order",
                "stimuli": "photos",
                "axes": "channels_first",
                "reduction": "spatial_mean",
            }
        },
        "directions": {
            "runs": [{"activations": "mine"}],
            "methods": {"neurons": {}, "kmeans": {"k": ["0.5x"]}},
        },
        "figures": {"mei_methods": ["neurons"]},
    }
    (own.folder / "seen.yaml").write_text(yaml.safe_dump(study))
    done = own.snakemake("--cores", "2", study="seen.yaml")
    assert done.returncode == 0, done.stdout
    scores = pd.read_csv(own.folder / "results/interpretability/mine/photos/directions.csv")
    assert set(scores["method"]) == {"neurons", "kmeans-0.5x"}
    assert (own.folder / "results/figures/seen/images-mine-photos.png").exists()


@pytest.mark.parametrize(
    ("numbers", "options", "words"),
    [
        ([[1.0, np.nan]] * 3, {}, "activations.mine: 60 of 60 rows hold NaN or infinite numbers"),
        ([[1.0, 2.0]] * 3, {"stimuli": "tiles"}, "activations.mine: rows: in_order, but the file"),
    ],
    ids=["NaN", "stimuli"],
)
def test_what_only_a_job_can_tell_is_one_line(
    own: Project, numbers: list, options: dict, words: str, tmp_path: Path
) -> None:
    np.save(own.folder / "bad.npy", np.array(numbers * 20))
    tiles = {"source": "photograph_tiles", "pitch": 90, "side": 32, "max_per_class": 5}
    study = {
        "study": "bad",
        "stimuli": {"tiles": tiles},
        "activations": {"mine": {"file": "bad.npy", "rows": "in_order"} | options},
        "directions": {"runs": [{"activations": "mine"}], "methods": {"neurons": {}}},
        "index": {"m": 3},
    }
    (own.folder / "bad.yaml").write_text(yaml.safe_dump(study))
    assert words in own.failure("--cores", "2", study="bad.yaml")
