"""Rule compute_filters: eigenvectors as kernels of the first convolution and as gradients."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.csv_writer import write_csv
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest, open_hdf5
from codespectra.files.kept_results import KeptResults
from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.hooks import Wanted
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject
from codespectra.spectra import filters

log = start_job(snakemake.log[0])
KINDS = ("kernel", "gradient")
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
subject = open_subject(
    snakemake.input.checkpoint_manifest, snakemake.input.stimuli_manifest, runtime["device"]
)
network, preprocess = subject.network, subject.preprocess
captured = read_layers(snakemake.input.manifests, cfg)
chosen = named_layers(cfg["layers"], subject.layers)
shown = read_manifest(snakemake.input.stimuli_manifest)["sha256"]
given = subject.description["sha256"], shown
kept = KeptResults(
    snakemake.output,
    snakemake.params,
    ["layers"],
    {layer: [content, given] for layer, content in layer_contents(captured).items()},
)


def components(rows):
    """Eigenvectors of the ranks that are shown."""
    return filters.eigenvectors(rows, cfg["ranks"], solver=cfg["solver"], seed=cfg["seed"])


def find_filters(layers, images):
    """Filters of layers by name and kind: of the stem kernels, of all gradients."""
    wanted = [Wanted(layer, cfg["reduction"]) for layer in layers]
    with open_captured(snakemake.input.data) as file:
        directions = {
            item.layer["name"]: components(file[item.key])
            for item in progress(wanted, desc="eigenvectors")
        }
    found = {layer["name"]: {} for layer in layers}
    convolution, held = filters.first_convolution(network, subject.layers)
    if stem := [layer for layer in layers if layer["name"] in held]:
        means = filters.channel_means(network, preprocess, images, stem, batch=runtime["batch"])
        for name, rows in means.items():
            found[name]["kernel"] = filters.kernel_filters(convolution, components(rows))
    outputs = sum(math.prod(layer["shape"]) for layer in subject.layers)
    log.info(
        "gradients hold the outputs of all layers of %d images at once, about %.0f MB",
        *(filters.PASS, filters.PASS * outputs * 4 / 1e6),
    )
    gradients = filters.gradient_filters(
        *(network, preprocess, images[: cfg["images"]], wanted, directions), batch=runtime["batch"]
    )
    for name, pictures in gradients.items():
        found[name]["gradient"] = pictures
    return found


def describe(layer, kind, pictures):
    """Rows of the table: one a rank."""
    sides = dict(zip(layer["axes"].replace("N", ""), layer["shape"], strict=True))
    mapped = kind == "gradient" and {"H", "W"} <= sides.keys()
    grid = (sides["H"], sides["W"]) if mapped else None
    for rank, picture in zip(cfg["ranks"], pictures, strict=True):
        scale = np.abs(picture).max()
        if np.isnan(scale):
            log.warning("%s: no component %d for a %s", layer["name"], rank, kind)
        yield {
            "model": cfg["model"],
            "weights": captured["weights"],
            "stimuli": cfg["stimuli"],
            "reduction": cfg["reduction"],
            "stimulus_count": captured["count"],
            "image_count": image_count,
            "layer": layer["name"],
            "kind": kind,
            "rank": rank,
            "scale": scale,
            "frequency_cycles_per_side": filters.frequency_centroid(picture),
            "folded_frequency_cycles_per_side": filters.frequency_centroid(picture, grid),
        }


with open_stimuli(snakemake.input.stimuli) as file:
    image_count = min(cfg["images"], len(file["images"]))
    new = [layer for layer in chosen if layer["name"] in kept.missing]
    found = find_filters(new, file["images"]) if new else {}
if kept.taken:
    with open_hdf5(kept.file("data")) as file:
        for layer in kept.taken:
            found[layer] = {kind: pictures[:] for kind, pictures in file[layer].items()}
table = []
with create_hdf5(snakemake.output.data) as file:
    for layer in chosen:
        for kind in KINDS:
            if kind in found[layer["name"]]:
                pictures = found[layer["name"]][kind]
                file[f"{layer['name']}/{kind}"] = pictures
                table += describe(layer, kind, pictures)
write_csv(snakemake.output.table, pd.DataFrame(table))
write_manifest(
    snakemake.output.manifest,
    {
        "file": Path(snakemake.output.data).name,
        "sha256": hdf5_digest(snakemake.output.data),
        "ranks": cfg["ranks"],
        "image_count": image_count,
        "activations_sha256": captured["sha256"],
        "checkpoint_sha256": subject.description["sha256"],
        "stimuli_sha256": shown,
        "weights": captured["weights"],
    },
)
kept.keep()
