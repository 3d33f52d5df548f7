"""The mini study end to end: what comes out, and how mistakes read."""

import ast
import html
import json
import re
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from checked_plans import checked_plan
from figures import figures
from project import MINI, ROOT, read_config

from codespectra.claims.catalogue import CLAIMS
from codespectra.study.captured_sizes import captured_bytes


def test_nothing_unfinished_is_left(mini):
    assert not [name for name in mini.outputs() if name.suffix in {".tmp", ".partial"}]


def test_every_figure_has_its_three_forms(mini):
    folder = mini.folder / "results/figures/mini"
    stems = {file.stem for file in folder.glob("[!.]*")}  # notes are hidden
    assert {"spectra", "exponents", "trajectories", "action", "interpretability"} < stems
    for stem in stems:
        for form in ("pdf", "png", "csv"):
            assert (folder / f"{stem}.{form}").stat().st_size > 100


def test_the_gallery_tells_the_columns_of_a_figure(mini):
    told = json.loads((ROOT / "docs/gallery/run.json").read_text())["figures"]
    for file in (mini.folder / "results/figures/mini").glob("*.csv"):
        (name,) = (figure.name for figure in figures() if figure.fits(file.stem))
        if name in told:
            assert set(pd.read_csv(file, nrows=0)) <= set(told[name]["columns"])


def test_manifests_tell_what_the_stores_hold(mini):
    results = mini.folder / "results"
    manifest = json.loads((results / "activations/classifier/test.json").read_text())
    with h5py.File(results / "activations/classifier/test.h5") as file:
        for dataset in manifest["datasets"]:
            assert file[dataset["key"]].shape == (manifest["count"], dataset["width"])
            assert np.isfinite(file[dataset["key"]][:]).all()
    assert 0 <= manifest["accuracy"] <= 1
    assert manifest["count"] == 60


def test_captures_take_as_much_as_the_plan_says(mini):
    plan, files = checked_plan(read_config(MINI)), mini.folder / "results/activations"
    for manifest in files.rglob("*.json"):
        told = json.loads(manifest.read_text())
        params = map(ast.literal_eval, told["made_by"]["params"])
        (cfg,) = (p for p in params if isinstance(p, dict) and "dtype" in p)
        with h5py.File(manifest.with_suffix(".h5")) as file:
            size = sum(file[dataset["key"]].nbytes for dataset in told["datasets"])
        count = told["count"] // (2 if cfg.get("noisy") else 1)
        assert captured_bytes(plan, cfg, count) == size <= captured_bytes(plan, cfg), manifest


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
    relus = [f"features.{index}" for index in (1, 3, 6, 8, 10)]
    parts = whole[relus].sum(axis=1, min_count=5)
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
    verdicts = {"supported", "contradicted", "inconclusive", "mixed", "not run"}
    assert set(table["verdict"]) <= verdicts
    assert list(table["id"]) == [claim.id for claim in CLAIMS]
    assert (table.loc[table["verdict"] == "not run", "reason"] != "").all()


def test_the_report_is_one_file_with_every_figure(mini):
    done = mini.snakemake("--report", "results/report.html")
    assert done.returncode == 0, done.stdout
    text = (mini.folder / "results/report.html").read_text()
    for name in ("eigenspectra by depth", "II by method and metric", "all claims", "verdicts"):
        assert name in text
    first_page = re.sub("<.*?>", "", re.search(r'workflow_desc = "(.*)";', text)[1])
    assert "Networks: classifier (bottleneck_resnet, weights: train)" in first_page
    assert "Data: train (photographs)" in first_page
    judged = pd.read_csv(mini.folder / "results/claims.csv")
    for row in judged[judged["verdict"] == "inconclusive"].itertuples():
        assert f"{row.id}, inconclusive: {row.claim}" in html.unescape(first_page)
    assert "not run" not in first_page and "supported:" not in first_page
    (mini.folder / "results/report.html").unlink()


def test_without_a_target_the_main_job_is_planned_and_no_other(mini):
    done = mini.snakemake("--dry-run", "--forceall")
    assert {"draw_index", "judge_claims"} < set(re.findall(r"^(\w+) +\d+$", done.stdout, re.M))
    assert "train_vae" not in done.stdout and "train_superposition" not in done.stdout


def test_a_study_without_coding_says_so_when_it_is_asked_for(mini):
    study = mini.write_study({"coding": None})
    assert "config: coding: missing" in mini.failure("coding", "--dry-run", study=study)
    assert mini.snakemake("everything", "--dry-run", study=study).returncode == 0


MISSING = {"architecture": {"name": "bottleneck_resnet"}, "weights": "path", "path": "mine.pt"}
# Mistakes of each kind are tried in tests/unit/study.
REFUSED = {
    "in the file": ({"spectra.ranjs": [2, 12]}, "config: spectra.ranjs: unknown key; did you mean"),
    "between sections": ({"spectra.ranks": [10, 90]}, "config: spectra.ranks: window 10..90"),
    "beside it": (
        {"models.untrained": MISSING},
        "models.untrained.path: no such file: mine.pt",
    ),
    "of the machine": (
        {"runtime.device": "cuda"},
        "config: runtime.device: cuda, but this machine has no GPU",
    ),
}
if shutil.which("nvidia-smi"):
    del REFUSED["of the machine"]


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_mistake_stops_before_any_job(mini, mistake, tmp_path):
    changes, told = REFUSED[mistake]
    project = mini.copy(tmp_path / "copy")
    said = project.failure("--cores", "1", "--forceall", study=project.write_study(changes))
    assert told in said
    assert "Finished jobid" not in said


def test_a_missed_accuracy_fails_the_capture_and_keeps_its_work(mini, tmp_path):
    project = mini.copy(tmp_path / "copy")
    strict = project.write_study({"models.classifier.expected_accuracy": {"test": 1.0}})
    activations = project.folder / "results/activations/classifier"
    target = "results/activations/classifier/test.json"
    said = project.failure("--cores", "1", target, study=strict)
    assert "models.classifier.expected_accuracy" in said
    assert not (activations / "test.h5").exists()
    assert (activations / ".test.h5.partial").exists()
    done = project.snakemake("--cores", "1", target)
    assert done.returncode == 0, done.stdout
    log = project.folder / "results/logs/capture_activations/classifier/test.log"
    assert "resuming .test.h5.partial after stimulus 60" in log.read_text()
    assert (activations / "test.h5").read_bytes() == (
        mini.folder / "results/activations/classifier/test.h5"
    ).read_bytes()


def test_own_vae_checkpoints_take_the_place_of_training(mini, tmp_path):
    project = mini.copy(tmp_path / "copy")
    (project.folder / "vae").mkdir()
    for dropout in (0.0, 0.4):
        trained = project.folder / f"results/checkpoints/vae-dropout{dropout:g}-seed0.pt"
        state = torch.load(trained, weights_only=True)
        torch.save({"state_dict": state}, project.folder / f"vae/net_{dropout}_0.pth")
    own = {"coding.checkpoints": "vae/net_{dropout}_{seed}.pth"}
    study = project.write_study(own)
    jobs = project.would_run(study=study)
    assert jobs["import_checkpoint"] == 2 and "train_vae" not in jobs
    target = "results/checkpoints/vae-dropout0.4-seed0.json"
    done = project.snakemake(target, "--cores", "1", study=study)
    assert done.returncode == 0, done.stdout
    assert json.loads((project.folder / target).read_text())["weights"] == "path"
    # Of other widths: told by the first job, key by key.
    project.failure(target, "--cores", "1", study=project.write_study(own | {"coding.latent": 5}))
    log = project.folder / "results/logs/import_checkpoint/vae-dropout0.4-seed0.log"
    assert "fc3_mu.weight (4, 12) for (5, 12)" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_filters_are_stored_as_their_table_tells(mini):
    folder = mini.folder / "results/filters/classifier"
    table = pd.read_csv(folder / "test.csv")
    assert json.loads((folder / "test.json").read_text())["image_count"] == 10
    with h5py.File(folder / "test.h5") as file:
        shapes = {f"{x}/{kind}": file[x][kind].shape for x in file for kind in file[x]}
        scales = [
            np.abs(file[x.layer][x.kind][[1, 2, 8].index(x.rank)]).max() for x in table.itertuples()
        ]
    side = (3, 32, 32, 3)
    assert shapes == {
        "relu/kernel": (3, 3, 3, 3),
        "relu/gradient": side,
        "layer1.0.relu:1/gradient": side,
    }
    np.testing.assert_allclose(table["scale"], scales, rtol=1e-6)
    # Four channels have no eighth component.
    missing = table[table["scale"].isna()]
    assert missing[["kind", "rank"]].to_numpy().tolist() == [["kernel", 8]]
