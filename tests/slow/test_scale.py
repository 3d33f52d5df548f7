"""docs/scale.md: its jobs are the plan's, and its numbers follow from the studies' configs."""

import re
import subprocess
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import yaml
from checked_plans import checked_plan
from dreamsim_weights import write_weights
from PIL import Image
from project import ROOT, Project, copy_project, read_config, table_of_jobs
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import alexnet, resnet50

from codespectra.interpretability.lpips_embedding import lpips_heads
from codespectra.models.layer_selection import count_of
from codespectra.study.implied import direction_methods, most_stimuli
from codespectra.study.plan import Plan
from codespectra.study.sections.study import Study, load_study

IMAGENET = "workflow/studies/imagenet_resnet50.yaml"
LANGUAGE = "workflow/studies/paper_language.yaml"
ZOO = "workflow/studies/zoo.yaml"
KUBERNETES = "profiles/kubernetes"
DOC = (ROOT / "docs/scale.md").read_text()
WIDTHS = {"layer1": 256, "layer2": 512, "layer3": 1024, "layer4": 2048}
DOT = 56**2 * 256 + 28**2 * 512 + 14**2 * 1024 + 7**2 * 2048  # units of the dot's layers, unreduced
EMBEDDED_SIDES = (55, 27, 13, 13, 13)  # of AlexNet's five maps of 224 pixels
PIXELS = 224 * 224 * 3
SPECTRA_HELD = 0.6e9  # by a spectrum of 2,048 units and 100 resamples, measured
BLOCKS, STREAM = 48, 1600  # of GPT-2 XL, and the width of its residual stream
FLOPS_A_SECOND = 10e12  # the assumption

# Measured on one thread: CPU seconds, as the document states them.
SECONDS = {"stored": 0.0031, "passed": 0.13, "embedded": 0.018, "compared": 0.038}
SPECTRUM_ROW, CLUSTERING_ROW, BOOTSTRAP_ROW = 56e-6, 82e-6, 106e-6  # 2,048 units; 2,048 centroids


def rows_of(heading: str) -> dict[str, dict[str, str]]:
    """The table below a heading of the document: cells by rule and column."""
    lines = DOC.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    table = [[c.strip(" `") for c in x.strip("|").split("|")] for x in lines if x.startswith("|")]
    head, _, *rows = table
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def column(heading: str, name: str) -> dict[str, str]:
    """One column of that table, without its empty cells."""
    return {rule: row[name] for rule, row in rows_of(heading).items() if row[name]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with a few images for ImageNet, and a few texts."""
    project = copy_project(tmp_path_factory.mktemp("scale"))
    rng = np.random.default_rng(0)
    write_weights(project.folder / "data/dreamsim", "ensemble")
    for split in ("train", "val", "val_1000"):
        for name in ("n01440764", "n01443537"):
            folder = project.folder / "data/imagenet" / split / name
            folder.mkdir(parents=True)
            for number in range(4):
                pixels = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.JPEG")
    (project.folder / "data/text").mkdir()
    (project.folder / "data/text/one.txt").write_text("A quick brown fox. " * 40)
    return project


@pytest.fixture(scope="module")
def imagenet(project: Project) -> Plan:
    """The checked plan of the study."""
    text = (ROOT / IMAGENET).read_text().replace("data/", f"{project.folder}/data/")
    return checked_plan(yaml.safe_load(text))


def check_jobs(done: subprocess.CompletedProcess, heading: str) -> None:
    """Assert that the document lists the jobs of a dry run; figures stand in one row."""
    assert done.returncode == 0, done.stdout
    working = {
        rule: n
        for rule, n in table_of_jobs(done).items()
        if rule not in ("main", "language", "zoo")
    }
    drawn = sum(n for rule, n in working.items() if rule.startswith("draw_"))
    expected = {rule: n for rule, n in working.items() if not rule.startswith("draw_")}
    listed = {rule: int(count) for rule, count in column(heading, "jobs").items()}
    assert listed == expected | {"figures": drawn, "all": sum(working.values())}


def test_gpt2_xl_has_the_jobs_that_the_document_lists(project: Project) -> None:
    check_jobs(project.snakemake("language", "--dry-run", study=LANGUAGE), "GPT-2 XL")


def test_the_kubernetes_profile_plans_the_jobs_of_imagenet(project: Project) -> None:
    """Without what only plugins know, since they needn't be installed."""
    profile = read_config(f"{KUBERNETES}/config.yaml")
    plugins = ("executor", "kubernetes-", "default-storage-")
    plain = {key: value for key, value in profile.items() if not key.startswith(plugins)}
    folder = project.folder / "profiles/plain"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(plain))
    done = project.snakemake("--dry-run", "--workflow-profile", "profiles/plain", study=IMAGENET)
    check_jobs(done, "ImageNet × ResNet-50")
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    assert all(f"\nrule {name}:" in rules for name in profile["set-resources"])


def counts(study: Study) -> dict[str, int]:
    return {name: most_stimuli(spec) for name, spec in study.stimuli.items()}


def directions_of(study: Study, width: int) -> dict[str, int]:
    """How many directions each method has in a layer."""
    methods = direction_methods(study.directions.methods)
    return {name: count_of(one.get("k", "1x"), width) for name, one in methods.items()}


def sizes(study: Study) -> dict[str, int]:
    """Bytes of each kind of file that the study makes."""
    n, total = counts(study), sum(WIDTHS.values())
    found = {
        "stimuli": sum(n.values()) * PIXELS,
        "train": n["train"] * total * 4,
        "val": n["val"] * total * 4,
        "dot": n["dot"] * DOT * 4,
        "embeddings": n["val"] * embedded() * 4,
        "directions": sum(
            count * (n["val"] + width) * 4
            for width in WIDTHS.values()
            for count in directions_of(study, width).values()
        ),
    }
    return found | {"captured": found["train"] + found["val"] + found["dot"]}


def embedded() -> int:
    """Numbers in an image's embedding: channels of positive weight at each place of a map."""
    return sum(kept * side**2 for kept, side in embedded_parts())


def embedded_parts() -> list[tuple[int, int]]:
    """Channels that count, and the side of the map, in each part of an embedding."""
    kept = [int((head > 0).sum()) for head in lpips_heads()]
    return list(zip(kept, EMBEDDED_SIDES, strict=True))


def test_the_plan_has_the_layers_that_sizes_rest_on(imagenet: Plan) -> None:
    for kind in ("spectra", "directions", "projections"):
        layers = [found for key, found in imagenet.selected.items() if key[0] == kind]
        for found in layers:
            assert {layer["name"]: layer["shape"][0] for layer in found} == WIDTHS
            assert sum(int(np.prod(layer["shape"])) for layer in found) == DOT
    assert len(imagenet.captures) == 6
    assert counts(imagenet.study) == {"train": 1_281_167, "val": 50_000, "dot": 200}


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def test_imagenet_bytes(imagenet: Plan) -> None:
    size, networks = sizes(imagenet.study), 2
    written = {
        "make_stimuli": size["stimuli"],
        "capture_activations": networks * size["captured"],
        "embed_stimuli": size["embeddings"],
        "find_directions": networks * size["directions"],
    }
    told = column("ImageNet × ResNet-50", "writes")
    assert told == {rule: gigabytes(n) for rule, n in written.items()} | {
        "all": gigabytes(sum(written.values()))
    }
    methods = len(direction_methods(imagenet.study.directions.methods))
    n = counts(imagenet.study)
    read = {
        "capture_activations": networks * size["stimuli"],
        "embed_stimuli": n["val"] * PIXELS,
        "fit_spectra": networks * size["train"],
        "compute_filters": networks * (size["train"] + n["train"] * PIXELS),
        "find_directions": networks * methods * size["val"],
        "project_dot": networks * size["dot"],
        "score_interpretability": networks
        * (size["embeddings"] + size["directions"] + n["val"] * PIXELS),
    }
    told = column("ImageNet × ResNet-50", "reads")
    assert told == {rule: gigabytes(n) for rule, n in read.items()} | {
        "all": gigabytes(sum(read.values()))
    }
    assert f"moves {sum(read.values()) / 1e9:,.0f} GB" in DOC
    header = (ROOT / IMAGENET).read_text().partition("study:")[0]
    for name, n in (
        ("stimuli", size["stimuli"]),
        ("captures", written["capture_activations"]),
        ("embeddings", size["embeddings"]),
    ):
        assert f"{name} {gigabytes(n)}" in header


def peaks(study: Study) -> dict[str, float]:
    """Peak bytes of a rule's largest job, by the bounds of benchmarks/bench_memory.py."""
    n = counts(study)
    scored = sum(sum(directions_of(study, width).values()) for width in WIDTHS.values())
    return {
        "fit_spectra": SPECTRA_HELD + 64 * n["train"],
        "find_directions": clustered(n["val"], WIDTHS["layer4"]),
        "score_interpretability": 0.4e9 + 4 * 2**28 + 200 * n["val"] + 1e4 * scored,
    }


def clustered(count: int, width: int) -> float:
    """Bytes that K-Means holds of so many stimuli, with as many centroids as units."""
    return 0.4e9 + 4 * min(count * width, 2**28) + 4 * width * min(30 * width, count)


def test_imagenet_memory_is_told_and_asked_for(imagenet: Plan) -> None:
    told = column("ImageNet × ResNet-50", "memory")
    asked = read_config(f"{KUBERNETES}/config.yaml")["set-resources"]
    for rule, size in peaks(imagenet.study).items():
        assert told[rule] == gigabytes(size)
        request = asked.get(rule, {}).get("mem_mb", 4000)
        assert size / 1e6 < request
        if "mem_mb" in asked.get(rule, {}):
            assert f"{rule}:mem_mb={request}" in DOC


def test_imagenet_disk_of_a_pod_holds_inputs_and_outputs(imagenet: Plan) -> None:
    size, n = sizes(imagenet.study), counts(imagenet.study)
    largest = {
        "make_stimuli": n["train"] * PIXELS,
        "capture_activations": n["train"] * PIXELS + size["train"],
        "compute_filters": n["train"] * PIXELS + size["train"],
        "embed_stimuli": n["val"] * PIXELS + size["embeddings"],
        "score_interpretability": n["val"] * PIXELS + size["embeddings"] + size["directions"],
    }
    asked = read_config(f"{KUBERNETES}/config.yaml")["set-resources"]
    for rule, bytes_held in largest.items():
        assert 1.02 * bytes_held < asked[rule]["disk_mb"] * 1e6 < 1.3 * bytes_held


def test_imagenet_s_arithmetic_in_words(imagenet: Plan) -> None:
    size, n = sizes(imagenet.study), counts(imagenet.study)
    shown, total = sum(n.values()), sum(WIDTHS.values())
    told = [
        f"= {total:,} units",
        f"{shown:,} images of 224",
        f"{2 * shown:,} images in all",
        f"200 × {DOT:,} × 4 bytes",
        f"{embedded():,} numbers of 4 bytes",
        f"take {n['train'] * embedded() * 4 / 1e12:.1f} TB",
        f"it would be {gigabytes(clustered(n['train'], WIDTHS['layer4']))}",
        f"fetch {gigabytes(n['train'] * PIXELS)} of images each",
    ]
    words = " ".join(DOC.split())
    assert [one for one in told if one not in words] == []
    assert f"{size['embeddings'] / 1e9:.1f} GB" in words


def hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f}"


def test_imagenet_hours(imagenet: Plan) -> None:
    study = imagenet.study
    n, networks = counts(study), 2
    shown = networks * sum(n.values())
    squares = {name: width**2 / 2048**2 for name, width in WIDTHS.items()}
    scored = sum(
        sum(k.values()) + k["pca-1x"] for k in (directions_of(study, w) for w in WIDTHS.values())
    )
    iterations = 300 * sum(
        share * starts for share, starts in ((0.5, 3), (1, 3), (1, 1))
    )  # of K-Means at half as many centroids as units, as many, and from the units
    spectra = n["train"] * (SPECTRUM_ROW * sum(squares.values()) + BOOTSTRAP_ROW * len(WIDTHS))
    expected = {
        "make_stimuli": sum(n.values()) * SECONDS["stored"],
        "capture_activations": shown * SECONDS["passed"],
        "embed_stimuli": n["val"] * SECONDS["embedded"],
        "fit_spectra": networks * spectra,
        "find_directions": networks
        * (iterations * n["val"] * CLUSTERING_ROW * sum(squares.values())),
        "score_interpretability": networks * scored * SECONDS["compared"],
    }
    told = column("ImageNet × ResNet-50", "CPU hours")
    assert {rule: told[rule] for rule in expected} == {r: hours(s) for r, s in expected.items()}
    spent = sum(expected.values())
    assert told["all"] == hours(spent)
    assert f"take {hours(spent - expected['capture_activations'])} CPU hours" in " ".join(
        DOC.split()
    )
    passes = n["train"] * SECONDS["passed"]
    for words in (
        f"the training set's are {hours(passes)} of these hours",
        f"sixteen jobs take {hours(passes / 16)} hours each",
        f"reads the {gigabytes(n['train'] * 4 * sum(WIDTHS.values()))} once",
    ):
        assert words in " ".join(DOC.split()), words
    for name, seconds in SECONDS.items():
        assert re.search(rf"{seconds:g} s (to|a)[^|]*", DOC), name


def gigaflops(network: torch.nn.Module) -> float:
    """GFLOP of one image of 224 pixels, a product and a sum counted as two."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, 224, 224))
    return counter.get_total_flops() / 1e9


def test_gpu_hours_follow_from_operations(imagenet: Plan) -> None:
    n = counts(imagenet.study)
    passed, embedded = gigaflops(resnet50()), gigaflops(alexnet().features)
    assert f"{passed:.2f} GFLOP" in DOC and f"{embedded:.2f} GFLOP" in DOC
    told = column("ImageNet × ResNet-50", "GPU hours")
    assert told["capture_activations"] == on_gpu(2 * sum(n.values()) * passed * 1e9)
    assert told["embed_stimuli"] == on_gpu(n["val"] * embedded * 1e9)
    language = load_study(read_config(LANGUAGE)).language
    tokens = language.sequences * language.length
    products = 12 * STREAM**2 * BLOCKS
    told = column("GPT-2 XL", "GPU hours")
    assert told["capture_text"] == on_gpu(2 * 2 * tokens * products)


def on_gpu(operations: float) -> str:
    return f"{operations / FLOPS_A_SECOND / 3600:.2f}"


def test_gpt2_xl_takes_what_its_study_says() -> None:
    header = (ROOT / LANGUAGE).read_text().partition("study:")[0]
    minutes = {
        "capture_text": 70,
        "fit_text_spectra": 56,
        "project_text": 5,
        "collect_records": 33,
        "explain_by_lookup": 14,
    }
    told = rows_of("GPT-2 XL")
    for rule, spent in minutes.items():
        assert f"{spent} min" in header
        assert told[rule]["CPU hours"] == hours(2 * 60 * spent)
    assert told["all"]["CPU hours"] == hours(2 * 60 * sum(minutes.values()))
    for rule, memory in (("capture_text", "7.5 GB"), ("fit_text_spectra", "1.4 GB")):
        assert told[rule]["memory"] == memory and memory in header
    language = load_study(read_config(LANGUAGE)).language
    units = (4 * STREAM + STREAM) * BLOCKS
    captured = 2 * language.sequences * language.length * units * 2
    assert told["capture_text"]["writes"] == gigabytes(captured)
    assert told["fit_text_spectra"]["reads"] == gigabytes(captured)


MEASURED = 12  # CPU seconds of a network's job beside its passes, as the document states them


def test_the_zoo_takes_what_the_document_lists(project: Project) -> None:
    heading, images = "A zoo of 500 networks", read_config(ZOO)["stimuli"]["val"]
    check_jobs(project.snakemake("zoo", "--dry-run", study=ZOO), heading)
    networks = int(column(heading, "jobs")["measure_network"])
    passes, pixels = networks * images["limit"], images["limit"] * images["side"] ** 2 * 3
    spent = passes * SECONDS["passed"] + networks * MEASURED
    operations = passes * gigaflops(resnet50()) * 1e9
    told = rows_of(heading)["measure_network"]
    assert (told["CPU hours"], told["GPU hours"]) == (hours(spent), on_gpu(operations))
    assert told["reads"] == gigabytes(networks * pixels)
    assert rows_of(heading)["make_stimuli"]["writes"] == gigabytes(pixels)
    assert f"a job takes {MEASURED} s" in " ".join(DOC.split())


@pytest.mark.skipif(
    not find_spec("snakemake_executor_plugin_kubernetes"), reason="the plugin isn't installed"
)
def test_the_kubernetes_plugin_knows_the_profile_s_options() -> None:
    from dataclasses import fields

    from snakemake_executor_plugin_kubernetes import ExecutorSettings

    known = {f"kubernetes-{field.name.replace('_', '-')}" for field in fields(ExecutorSettings)}
    profile = read_config(f"{KUBERNETES}/config.yaml")
    assert {key for key in profile if key.startswith("kubernetes-")} <= known
