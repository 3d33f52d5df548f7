"""Studies of the papers' size: their plans, and that their first batches run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from checked_plans import LAYERS, checked_plan
from cifar_files import write_cifar
from people_files import (
    CONDITION,
    answer,
    the_map,
    write_imagenet,
    write_map,
    write_responses,
)
from project import Project, copy_project
from torchvision.models import resnet18
from transformers import GPT2Config, GPT2LMHeadModel

from codespectra.models.byte_gpt2 import byte_tokenizer
from codespectra.models.reductions import reduced_width
from codespectra.study.dropout_sweep import networks
from codespectra.study.implied import most_stimuli
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import load_study

CODING = "workflow/studies/paper_coding.yaml"
INTERPRETABILITY = "workflow/studies/paper_interpretability.yaml"
PSYCHOPHYSICS = "workflow/studies/paper_psychophysics.yaml"
LANGUAGE = "workflow/studies/paper_language.yaml"
FOLDER = "data/cifar-10-batches-py"
SIDE = 224
RELUS = 23  # 17 in the encoder, 4 after fully connected layers, 2 in the decoder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with 60 images in each of CIFAR-10's files.

    torchvision knows the published files' digests; in this copy those of the test's stand instead.
    """
    project = copy_project(tmp_path_factory.mktemp("paper"))
    _, attributes = write_cifar("cifar10", project.folder / "data", each=60)
    with (project.folder / "scripts/codespectra/data/image_files.py").open("a") as reader:
        for name, value in attributes.items():
            reader.write(f"datasets.CIFAR10.{name} = {value!r}\n")
    return project


def test_coding_plans_every_network_of_the_sweep(project: Project) -> None:
    jobs = project.would_run(study=CODING)
    swept = 5 * 3  # dropouts, seeds
    noisy = 4  # the first seed's with dropout, as trained
    control = 1  # the encoder, in the main job
    expected = {
        "download_checkpoint": 1,
        "make_stimuli": 3,
        "train_vae": swept,
        "recalibrate_statistics": swept,
        "capture_activations": 2 * (2 * swept + control) + noisy,  # the test set, the dot
        "fit_spectra": 2 * swept + control,
        "project_dot": 2 * swept + control,
        "cross_validate_spectra": noisy,
        "train_superposition": 1,
        "compute_channel": 1,
        "estimate_information": 1,
        "recover_planted": 1,
        "decode_exponentials": 1,
        # main, coding, theory, everything
        "judge_claims": 4,
        "draw_claims": 4,
    }
    assert {rule: jobs.get(rule) for rule in expected} == expected
    assert "train_classifier" not in jobs


def test_coding_tells_the_disk_that_its_captures_take(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    text = Path(CODING).read_text()
    plan, total = checked_plan(yaml.safe_load(text)), 0
    for captures, passes in ((plan.captures, 1), (plan.noisy_captures, 2)):
        for (model, stimuli), wanted in captures.items():
            if model not in networks(plan.study.coding):
                continue
            spec = plan.models[model]
            layers = LAYERS(stage_config(spec.architecture), spec.classes, SIDE)
            known = {layer["name"]: layer for layer in layers}
            width = sum(reduced_width(known[w["layer"]], w["reduction"]) for w in wanted)
            total += passes * most_stimuli(plan.study.stimuli[stimuli]) * width * 4
    assert f"captures {total / 1e9:.1f} GB" in text


def test_coding_without_its_data_names_the_folder(project: Project) -> None:
    (project.folder / FOLDER).rename(project.folder / "elsewhere")
    said = project.failure("--dry-run", study=CODING)
    (project.folder / "elsewhere").rename(project.folder / FOLDER)
    told = [line for line in said.splitlines() if not line.startswith("Using ")]
    assert [line.split("; ")[0] for line in told] == [
        f"config: stimuli.{name}.root: {FOLDER} is no folder" for name in ("train", "test")
    ]


def cut(study: dict[str, Any], project: Project) -> None:
    """Leave one network, a few images, and untrained weights in a file instead of a download."""
    study["stimuli"]["train"]["limit"] = 48
    study["stimuli"]["test"]["limit"] = 52
    study["stimuli"]["dot"]["frames"] = 8
    study["spectra"]["resamples"] = 20
    study["coding"] |= {"dropouts": [0.2], "seeds": [0]}
    study["coding"]["training"]["epochs"] = 1
    study["models"]["encoder"] |= {"weights": "path", "path": "resnet18.pth"}
    torch.manual_seed(0)
    torch.save(resnet18().state_dict(), project.folder / "resnet18.pth")


def test_first_batches_of_coding_run(project: Project) -> None:
    study = yaml.safe_load((project.folder / CODING).read_text())
    cut(study, project)
    (project.folder / "cut.yaml").write_text(yaml.safe_dump(study))
    name, results = "vae-dropout0.2-seed0", project.folder / "results"
    spectra, checkpoints = f"results/spectra/{name}/test", "results/checkpoints"
    targets = [
        f"{spectra}/exponents.csv",
        f"{spectra}/cross_validated_exponents.csv",
        f"results/projections/{name}/dot/action.csv",
        f"{checkpoints}/{name}-recalibrated.json",
    ]
    done = project.snakemake("--cores", "2", *targets, study="cut.yaml")
    assert done.returncode == 0, done.stdout
    epochs = pd.read_csv(project.folder / f"{checkpoints}/{name}.csv")
    assert len(epochs) == 1
    assert np.isfinite(epochs.to_numpy(float)).all()
    for stimuli, count in (("test", 52), ("test-noisy", 2 * 52), ("dot", 8)):
        found = json.loads((results / f"activations/{name}/{stimuli}.json").read_text())
        assert found["count"] == count
        assert len(found["datasets"]) == RELUS
        assert found["datasets"][0]["shape"] == [64, 112, 112]
        widest = max(dataset["width"] for dataset in found["datasets"])
        assert widest == 64 * 112 * 112 if stimuli == "dot" else 7000 < widest < 8000
    exponents = pd.read_csv(project.folder / targets[0])
    assert len(exponents) == RELUS
    assert (exponents[["first_rank", "last_rank"]] == [10, 50]).all(axis=None)
    assert np.isfinite(exponents["alpha"]).all()
    assert len(pd.read_csv(project.folder / targets[1])) == RELUS
    assert (pd.read_csv(project.folder / targets[2])["draws"] == 1000).all()
    recalibrated = json.loads((project.folder / targets[3]).read_text())
    assert np.isfinite(recalibrated["metrics"]["test_squared_error"])


# Paper B -----------------------------------------------------------------------------------------


def test_interpretability_plans_every_direction_of_both_networks(project: Project) -> None:
    weights = project.folder / "checkpoints/resnet50.pt"
    weights.parent.mkdir()
    weights.touch()
    jobs = project.would_run("interpretability", study=INTERPRETABILITY)
    networks, kmeans, others, sizes = 2, 3, 8, 3
    expected = {
        "download_checkpoint": 1,  # AlexNet
        "import_checkpoint": 1,
        "initialise_checkpoint": 1,
        "capture_activations": networks,  # the training set
        "embed_stimuli": 1,
        "find_directions": networks * (kmeans + others),
        "train_autoencoder": networks,
        "train_autoencoder_grid": networks * sizes,
        "score_interpretability": 2 * networks,
        "score_halves": networks,
        "simulate_psychophysics": networks,
        "embed_manifold": networks,
        "measure_sensitivity": networks,
        "score_further": networks,
        "score_synergies": networks,
        "measure_coactivation": networks,
    }
    assert {rule: jobs.get(rule) for rule in expected} == expected
    assert "train_classifier" not in jobs and "compare_people" not in jobs


def test_interpretability_without_its_checkpoint_names_it(project: Project) -> None:
    (project.folder / "checkpoints/resnet50.pt").unlink(missing_ok=True)
    said = project.failure("interpretability", "--dry-run", study=INTERPRETABILITY)
    assert "models.resnet50.path: no such file: checkpoints/resnet50.pt" in said


def write_people(folder: Path) -> None:
    """Files of the published form, with an answer."""
    for name in ("human_responses", "image_data", "imagenet"):
        (folder / "data" / name).mkdir(parents=True)
    write_responses(folder / "data/human_responses", answer())
    file = write_map(folder / "data/image_data", the_map())
    file.rename(file.with_name("imagenet_exemplars_file_map.json"))
    write_imagenet(folder / "data/imagenet/train")


def test_psychophysics_compares_people_and_draws_them(project: Project) -> None:
    """Their job is held in test_people.py."""
    write_people(project.folder)
    jobs = project.would_run("interpretability", study=PSYCHOPHYSICS)
    assert {"compare_people", "draw_agreement", "judge_claims"} <= set(jobs)
    assert jobs["download_checkpoint"] == 1  # AlexNet
    study = yaml.safe_load((project.folder / PSYCHOPHYSICS).read_text())
    assert study["people"]["condition"] == CONDITION


# Paper A's language model -------------------------------------------------------------------------

GPT2_XL = {"n_layer": 48, "n_embd": 1600}


def write_texts(folder: Path) -> None:
    """Documents of ordinary letters, enough for a few sequences."""
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"{number}.txt").write_text(f"The {number}th fox jumps over lazy dogs. " * 40)


def test_language_names_its_folder_and_tells_its_disk(project: Project) -> None:
    """Its jobs are held in test_scale.py."""
    said = project.failure("language", "--dry-run", study=LANGUAGE)
    assert "config: language.text.root: data/text is no folder; give a folder of text files" in said
    text = (project.folder / LANGUAGE).read_text()
    study = load_study(yaml.safe_load(text))
    language, width = study.language, 4 * GPT2_XL["n_embd"] + GPT2_XL["n_embd"]
    assert (set(language.parts), study.capture.dtype) == ({"mlp", "residual"}, "float16")
    size = language.sequences * language.length * GPT2_XL["n_layer"] * width * 2
    assert f"captures {size / 1e9:.1f} GB" in text


def test_first_batches_of_language_run_on_a_local_model(project: Project) -> None:
    write_texts(project.folder / "data/text")
    config = GPT2Config(vocab_size=256, n_positions=64, n_embd=64, n_layer=2, n_head=4)
    config.bos_token_id = config.eos_token_id = None
    # In several files, as GPT-2 XL's size may be.
    GPT2LMHeadModel(config).save_pretrained(project.folder / "gpt2", max_shard_size="200KB")
    byte_tokenizer(64).save_pretrained(project.folder / "gpt2", save_jinja_files=False)
    study = yaml.safe_load((project.folder / LANGUAGE).read_text())
    study["language"]["models"]["gpt2xl"] = {"weights": "path", "path": "gpt2"}
    study["language"] |= {"sequences": 60}
    study["language"]["explanations"] |= {"units": 3}
    study["spectra"]["resamples"] = 20
    (project.folder / "local.yaml").write_text(yaml.safe_dump(study))
    targets = [
        "results/spectra/gpt2xl/text/exponents.csv",
        "results/explanations/gpt2xl_untrained/lookup.csv",
    ]
    done = project.snakemake("--cores", "2", *targets, study="local.yaml")
    assert done.returncode == 0, done.stdout
    exponents = pd.read_csv(project.folder / targets[0])
    assert exponents["part"].tolist() == ["mlp", "mlp", "residual", "residual"]
    assert exponents["width"].tolist() == [256, 256, 64, 64]
    assert (exponents["weights"] == "path").all()
    assert np.isfinite(exponents["alpha"]).all()
    scores = pd.read_csv(project.folder / targets[1])
    assert len(scores) == 2 * 3 * 3
    assert (scores["weights"] == "random").all()
    told = {
        name: json.loads((project.folder / f"results/checkpoints/{name}.json").read_text())
        for name in ("gpt2xl", "gpt2xl_untrained")
    }
    assert told["gpt2xl"]["folder"] == "gpt2" == told["gpt2xl_untrained"]["tokenizer_folder"]
    assert len(told["gpt2xl"]["files"]) > 3
