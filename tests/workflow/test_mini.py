"""The mini study end to end: what comes out, and how mistakes read."""

import json
import re
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from project import MINI, Project

CHANGING = {"logs", "benchmarks"}


def outputs(project):
    """Every file under results but logs and benchmarks, by its relative path."""
    root = project.folder / "results"
    files = (file for file in root.rglob("*") if file.is_file() and not file.name.endswith(".lock"))
    relative = {file.relative_to(root): file for file in files}
    return {name: file for name, file in relative.items() if name.parts[0] not in CHANGING}


def test_nothing_unfinished_is_left(mini):
    assert not [name for name in outputs(mini) if name.suffix in {".tmp", ".partial"}]


def test_every_figure_has_its_three_forms(mini):
    folder = mini.folder / "results/figures/mini"
    stems = {file.stem for file in folder.iterdir()}
    assert {"spectra", "exponents", "trajectories", "action", "interpretability"} < stems
    for stem in stems:
        for form in ("pdf", "png", "csv"):
            assert (folder / f"{stem}.{form}").stat().st_size > 100


def test_manifests_tell_what_the_stores_hold(mini):
    results = mini.folder / "results"
    manifest = json.loads((results / "activations/classifier/test.json").read_text())
    with h5py.File(results / "activations/classifier/test.h5") as file:
        for dataset in manifest["datasets"]:
            assert file[dataset["key"]].shape == (manifest["count"], dataset["width"])
            assert np.isfinite(file[dataset["key"]][:]).all()
    assert 0 <= manifest["accuracy"] <= 1
    assert manifest["count"] == 60


def test_the_dot_has_no_accuracy(mini):
    manifest = mini.folder / "results/activations/classifier/dot.json"
    assert json.loads(manifest.read_text())["accuracy"] is None


def test_the_sampled_action_agrees_with_the_exact_one(mini):
    table = pd.read_csv(mini.folder / "results/projections/classifier/dot/action.csv")
    error = (table["action_sampled"] - table["action"]).abs() / table["action_sampled_se"]
    assert (error < 4).all()


def scored(mini, group: str) -> pd.DataFrame:
    return pd.read_csv(mini.folder / f"results/interpretability/classifier/tiles/{group}.csv")


def test_scores_cover_every_method_metric_and_layer(mini):
    table = scored(mini, "directions")
    assert set(table["method"]) == {
        *("neurons", "pca-3", "ica-3", "nmf-3", "kmeans-4", "kmeans-0.5x", "kmeans_identity"),
        *("kmeans_code-4", "sae-1x-0.1", "random-5", "exemplar-5"),
    }
    assert set(table["metric"]) == {"color", "label", "inhouse"}
    whole = table[(table["metric"] == "inhouse")].pivot(
        index=["layer", "method", "direction"], columns="part", values="ii"
    )
    parts = whole[[f"relu{index}" for index in range(1, 6)]].sum(axis=1, min_count=5)
    np.testing.assert_allclose(parts, whole["all"], rtol=1e-6)
    live = table["state"] == "live"
    assert table.loc[live, ["ii", "low", "high"]].notna().all(axis=None)
    assert table.loc[~live, ["ii", "low", "high"]].isna().all(axis=None)


def test_the_grid_of_autoencoders_is_scored_apart(mini):
    assert set(scored(mini, "autoencoders")["method"]) == {
        f"sae-{z}-{l1}" for z in ("1x", "2x") for l1 in ("0.01", "0.1")
    }


def test_resampled_scores_lie_about_those_of_all_images(mini):
    table, draws = scored(mini, "directions"), scored(mini, "directions_resampled")
    keys = ["layer", "method", "metric", "part"]
    live = table[table["state"] == "live"].groupby(keys)["ii"].mean()
    mean = draws.groupby(keys)["mean"].agg(["min", "max"]).loc[live.index]
    held = (mean["min"] <= live) & (live <= mean["max"])
    # A half has less extreme images, so that the means may lie apart.
    assert held.mean() > 0.5
    assert (draws.groupby(keys)["draw"].count() == 20).all()


def test_claims_name_every_claim_with_a_verdict(mini):
    table = pd.read_csv(mini.folder / "results/claims.csv", keep_default_na=False)
    verdicts = {"supported", "contradicted", "inconclusive", "not run"}
    assert set(table["verdict"]) <= verdicts
    assert {"A1", "A12", "B1", "B21", "C1", "C4"} < set(table["id"])
    assert (table.loc[table["verdict"] == "not run", "reason"] != "").all()


def test_the_report_is_one_file_with_every_figure(mini):
    done = mini.snakemake("--report", "results/report.html")
    assert done.returncode == 0, done.stdout
    text = (mini.folder / "results/report.html").read_text()
    for name in ("eigenspectra by depth", "II by method and metric", "verdicts"):
        assert name in text
    (mini.folder / "results/report.html").unlink()


def test_without_a_target_the_main_job_is_planned_and_no_other(mini):
    done = mini.snakemake("--dry-run", "--forceall")
    assert {"draw_index", "judge_claims"} < set(re.findall(r"^(\w+) +\d+$", done.stdout, re.M))
    assert "train_vae" not in done.stdout and "train_superposition" not in done.stdout


def test_a_study_without_coding_says_so_when_it_is_asked_for(mini, tmp_path):
    config = yaml.safe_load((mini.folder / MINI).read_text())
    del config["coding"]
    file = tmp_path / "main.yaml"
    file.write_text(yaml.safe_dump(config))
    done = mini.snakemake("coding", "--dry-run", study=str(file))
    assert done.returncode != 0
    assert "config: coding: missing" in done.stdout
    assert "Traceback" not in done.stdout
    assert mini.snakemake("everything", "--dry-run", study=str(file)).returncode == 0


WRONG = {
    "a typo": (("spectra", "ranjs"), [2, 12], ["config: spectra.ranjs", "did you mean 'ranks'"]),
    "a wrong type": (
        ("models", "classifier", "training", "epochs"),
        "many",
        ["models.classifier.training.epochs", "integer", "'many'"],
    ),
    "an unknown layer": (
        ("directions", "layers"),
        ["layer11"],
        ["directions.layers", "'layer11'", "did you mean 'layer1'"],
    ),
    "too many centroids": (
        ("directions", "methods", "kmeans", "k"),
        [4, "0.5x", 4000],
        ["directions.methods.kmeans.k", "4000", "80"],
    ),
    "ranks beyond the stimuli": (("spectra", "ranks"), [10, 90], ["spectra.ranks", "10..90", "59"]),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_stops_before_any_job_and_without_a_traceback(mini, tmp_path, mistake):
    path, value, expected = WRONG[mistake]
    config = yaml.safe_load((mini.folder / MINI).read_text())
    section = config
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(config))
    done = mini.snakemake("--cores", "1", study=str(file))
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    for text in expected:
        assert text in done.stdout


def test_a_missed_accuracy_fails_the_capture_and_keeps_its_work(mini, tmp_path):
    shutil.copytree(mini.folder, tmp_path / "copy")
    project = Project(tmp_path / "copy")
    config = yaml.safe_load((project.folder / MINI).read_text())
    config["models"]["classifier"]["expected_accuracy"] = {"test": 1.0}
    (project.folder / "strict.yaml").write_text(yaml.safe_dump(config))
    activations = project.folder / "results/activations/classifier"
    target = "results/activations/classifier/test.json"
    failed = project.snakemake("--cores", "1", target, study="strict.yaml")
    assert failed.returncode != 0
    assert "models.classifier.expected_accuracy" in failed.stdout
    assert not (activations / "test.h5").exists()
    assert (activations / ".test.h5.partial").exists()
    done = project.snakemake("--cores", "1", target)
    assert done.returncode == 0, done.stdout
    log = project.folder / "results/logs/capture_activations/classifier/test.log"
    assert "resuming .test.h5.partial after stimulus 60" in log.read_text()
    assert (activations / "test.h5").read_bytes() == (
        mini.folder / "results/activations/classifier/test.h5"
    ).read_bytes()


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU")
def test_a_demanded_gpu_that_is_missing_stops_before_any_job(mini, tmp_path):
    config = yaml.safe_load((mini.folder / MINI).read_text())
    file = tmp_path / "cuda.yaml"
    file.write_text(yaml.safe_dump(config | {"runtime": {"device": "cuda"}}))
    done = mini.snakemake("--cores", "1", "--forceall", study=str(file))
    assert done.returncode != 0
    assert "config: runtime.device: cuda, but this machine has no GPU" in done.stdout
    assert "Traceback" not in done.stdout
    assert "Finished jobid" not in done.stdout


def test_a_missing_checkpoint_is_named_before_any_job(mini, tmp_path):
    config = yaml.safe_load((mini.folder / MINI).read_text())
    config["models"]["untrained"] = {
        "architecture": {"name": "bottleneck_resnet"},
        "weights": "path",
        "path": "checkpoints/mine.pt",
    }
    file = tmp_path / "missing.yaml"
    file.write_text(yaml.safe_dump(config))
    done = mini.snakemake("--cores", "1", study=str(file))
    assert done.returncode != 0
    assert "models.untrained.path: no such checkpoint file: checkpoints/mine.pt" in done.stdout
    assert "Traceback" not in done.stdout


def test_own_vae_checkpoints_take_the_place_of_training(mini, tmp_path):
    shutil.copytree(mini.folder, tmp_path / "copy")
    project = Project(tmp_path / "copy")
    config = yaml.safe_load((project.folder / MINI).read_text())
    (project.folder / "vae").mkdir()
    for dropout in (0.0, 0.4):
        trained = project.folder / f"results/checkpoints/vae-dropout{dropout:g}-seed0.pt"
        state = torch.load(trained, weights_only=True)
        torch.save({"state_dict": state}, project.folder / f"vae/net_{dropout}_0.pth")
    config["coding"]["checkpoints"] = "vae/net_{dropout}_{seed}.pth"
    (project.folder / "own.yaml").write_text(yaml.safe_dump(config))
    jobs = project.would_run(study="own.yaml")
    assert jobs["import_checkpoint"] == 2 and "train_vae" not in jobs
    target = "results/checkpoints/vae-dropout0.4-seed0.json"
    done = project.snakemake(target, "--cores", "1", study="own.yaml")
    assert done.returncode == 0, done.stdout
    assert json.loads((project.folder / target).read_text())["weights"] == "path"
    # Of other widths: told by the first job, key by key.
    config["coding"]["latent"] = 5
    (project.folder / "own.yaml").write_text(yaml.safe_dump(config))
    failed = project.snakemake(target, "--cores", "1", study="own.yaml")
    assert failed.returncode != 0
    log = project.folder / "results/logs/import_checkpoint/vae-dropout0.4-seed0.log"
    assert "fc3_mu.weight (4, 12) for (5, 12)" in log.read_text()
    assert "Traceback" not in log.read_text()
