"""Rule embed_manifold: the most exciting images of each layer on a map, and directions on it."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.experiments import manifold
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, check_live, exciting_images
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import (
    mean_color,
    metric_digests,
    read_similarities,
)
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(given.manifests, cfg)
classes = read_manifest(given.stimuli_manifest)["classes"]
paths = dict(zip(cfg["methods"], given.directions, strict=True))
directed = [read_manifest(file)["digests"] for file in given.directions_manifests]
shared = [
    read_manifest(given.stimuli_manifest)["sha256"],
    metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests),
]
contents = layer_contents(manifest)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ["layers"],
    {x: [contents[x], [method[x] for method in directed], shared] for x in cfg["layers"]},
)
found = read_methods(paths, kept.missing)
exciting = {}
for layer, methods in found.items():
    check_live(methods, layer, cfg["m"])
    exciting[layer] = exciting_images(methods.values(), cfg["m"])
    manifold.check_perplexity(cfg["perplexity"], len(exciting[layer]), layer)
similarities = read_similarities(given.stimuli, given.embeddings, cfg, exciting.values())
headline = next(one for one in similarities if one.metric == cfg["metric"])


def map_images(images, seed):
    """Their places on the map that the metric of the figures makes."""
    return manifold.embed(headline, images, perplexity=cfg["perplexity"], seed=seed)


def describe(images, places):
    """Rows of the images' table."""
    with open_stimuli(given.stimuli) as file:
        red, green, blue = mean_color(file["images"][images]).T
        labels = file["labels"][images] if "labels" in file else None
    columns = {"image": images, "x": places[:, 0], "y": places[:, 1]}
    columns |= {"red": red, "green": green, "blue": blue}
    return pd.DataFrame(columns | {"label": None if labels is None else np.take(classes, labels)})


for layer, images in progress(exciting.items(), desc="t-SNE"):
    methods = found[layer]
    maps = {
        "spread": map_images(images, cfg["seed"]),
        "spread_other_seed": map_images(images, cfg["seed"] + 1),
    }
    with open_captured(given.data) as file:
        activations = file[f"{cfg['reduction']}/{layer}"][:][images]
    units = manifold.unit_table(methods, similarities, index, images, maps)
    shown = manifold.best_directions(units, cfg["metric"])
    activity = manifold.activity_table(methods, shown, activations, images, cfg["temperature"])
    tables = {"images": describe(images, maps["spread"]), "activity": activity, "units": units}
    where = {"layer": layer, "map_metric": cfg["metric"]}
    kept.add(layer, **{name: table.assign(**where) for name, table in tables.items()})
    rho = units[list(maps)].corr("spearman").iloc[0, 1]
    log.info("%s: %d images; rho of spread between two seeds %.2f", layer, len(images), rho)
kept.write(dict.fromkeys(kept.items, score_context(cfg, manifest)))
kept.keep()
