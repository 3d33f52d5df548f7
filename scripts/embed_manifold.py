"""Rule embed_manifold: the most exciting images of each layer on a map, and directions on it."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.experiments import manifold
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, check_live, exciting_images
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import mean_color, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(snakemake.input.manifests, cfg)
classes = read_manifest(snakemake.input.stimuli_manifest)["classes"]
paths = dict(zip(cfg["methods"], snakemake.input.directions, strict=True))
found = read_methods(paths, cfg["layers"])
exciting = {}
for layer, methods in found.items():
    check_live(methods, layer, cfg["m"])
    exciting[layer] = exciting_images(methods.values(), cfg["m"])
    manifold.check_perplexity(cfg["perplexity"], len(exciting[layer]), layer)
similarities = read_similarities(
    snakemake.input.stimuli,
    snakemake.input.embeddings,
    cfg,
    np.concatenate(list(exciting.values())),
)
headline = next(one for one in similarities if one.metric == cfg["metric"])


def map_images(images, seed):
    """Their places on the map that the metric of the figures makes."""
    return manifold.embed(headline, images, perplexity=cfg["perplexity"], seed=seed)


def describe(images, places):
    """Rows of the images' table."""
    with open_stimuli(snakemake.input.stimuli) as file:
        red, green, blue = mean_color(file["images"][images]).T
        labels = file["labels"][images] if "labels" in file else None
    columns = {"image": images, "x": places[:, 0], "y": places[:, 1]}
    columns |= {"red": red, "green": green, "blue": blue}
    return pd.DataFrame(columns | {"label": None if labels is None else np.take(classes, labels)})


tables = {"images": [], "activity": [], "units": []}
for layer, images in progress(exciting.items(), desc="t-SNE"):
    methods = found[layer]
    maps = {
        "spread": map_images(images, cfg["seed"]),
        "spread_other_seed": map_images(images, cfg["seed"] + 1),
    }
    with open_captured(snakemake.input.data) as file:
        activations = file[f"{cfg['reduction']}/{layer}"][:][images]
    units = manifold.unit_table(methods, similarities, index, images, maps)
    shown = manifold.best_directions(units, cfg["metric"])
    activity = manifold.activity_table(methods, shown, activations, images, cfg["temperature"])
    for name, table in (
        ("images", describe(images, maps["spread"])),
        ("activity", activity),
        ("units", units),
    ):
        tables[name].append(table.assign(layer=layer, map_metric=cfg["metric"]))
    rho = units[list(maps)].corr("spearman").iloc[0, 1]
    log.info("%s: %d images; rho of spread between two seeds %.2f", layer, len(images), rho)
for name, parts in tables.items():
    write_scores(snakemake.output[name], pd.concat(parts), cfg, manifest)
