"""Rule embed_manifold: the most exciting images of each layer on a map, and directions on it."""

from contextlib import ExitStack
from itertools import chain

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import opened_methods
from codespectra.experiments import manifold
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, check_live, exciting_images
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import (
    METRICS,
    mean_color,
    metric_digests,
    read_similarities,
)
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.statistics.row_blocks import rows_at

log = start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(given.manifests, cfg)
classes = read_manifest(given.stimuli_manifest)["classes"]
paths = dict(zip(cfg["methods"], given.directions, strict=True))
directed = [read_manifest(file)["digests"] for file in given.directions_manifests]
shown = read_manifest(given.stimuli_manifest)["sha256"]
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
map_metric, contents = cfg["metric"], layer_contents(manifest)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ["layers", *METRICS],
    {
        (layer, metric): [
            *(contents[layer], [method[layer] for method in directed], shown),
            *(metrics[metric], metrics[map_metric]),
        ]
        for layer in cfg["layers"]
        for metric in metrics
    },
)
missing = by_group(kept.missing)
opened = ExitStack()  # until the job ends: responses are read when they are asked for
found = {layer: opened.enter_context(opened_methods(paths, layer)) for (layer,) in missing}
exciting = {}
for layer, methods in found.items():
    check_live(methods, layer, cfg["m"])
    exciting[layer] = exciting_images(methods.values(), cfg["m"])
    manifold.check_perplexity(cfg["perplexity"], len(exciting[layer]), layer)
needed = set(chain(*missing.values()))
similarities = {
    one.metric: one
    for one in read_similarities(given.stimuli, given.embeddings, cfg, exciting.values(), needed)
}


def map_images(images, seed):
    """Their places on the map that the metric of the figures makes."""
    return manifold.embed(similarities[map_metric], images, perplexity=cfg["perplexity"], seed=seed)


def describe(images, places):
    """Rows of the images' table."""
    with open_stimuli(given.stimuli) as file:
        red, green, blue = mean_color(file["images"][images]).T
        labels = file["labels"][images] if "labels" in file else None
    columns = {"image": images, "x": places[:, 0], "y": places[:, 1]}
    columns |= {"red": red, "green": green, "blue": blue}
    return pd.DataFrame(columns | {"label": None if labels is None else np.take(classes, labels)})


def map_layer(layer):
    """The table of a layer's images on the map, and how its directions' images spread there."""
    images = exciting[layer]
    maps = {
        "spread": map_images(images, cfg["seed"]),
        "spread_other_seed": map_images(images, cfg["seed"] + 1),
    }
    spreads = manifold.spread_table(found[layer], index, images, maps)
    rho = spreads[list(maps)].corr("spearman").iloc[0, 1]
    log.info("%s: %d images; rho of spread between two seeds %.2f", layer, len(images), rho)
    return describe(images, maps["spread"]), spreads


def show_activity(layer, units):
    """Activity of each method's best direction at the images on the map."""
    with open_captured(given.data) as file:
        activations = rows_at(file[f"{cfg['reduction']}/{layer}"], exciting[layer])
    return manifold.activity_table(
        *(found[layer], manifold.best_directions(units, map_metric)),
        *(activations, exciting[layer], cfg["temperature"]),
    )


for (layer,), scored in progress(missing.items(), desc="t-SNE"):
    more = {}
    if map_metric in scored:
        more["images"], spreads = map_layer(layer)
    else:
        units = kept.taken_rows((layer, map_metric), "units")
        spreads = units[["method", "direction", "spread", "spread_other_seed"]]
    chosen = [similarities[metric] for metric in scored]
    units = manifold.unit_table(found[layer], chosen, index, spreads)
    if map_metric in scored:
        more["activity"] = show_activity(layer, units)
    for metric, rows in units.groupby("metric", sort=False):
        tables = {"units": rows, **(more if metric == map_metric else {})}
        where = {"layer": layer, "map_metric": map_metric}
        kept.add((layer, metric), **{name: x.assign(**where) for name, x in tables.items()})
kept.write(dict.fromkeys(kept.items, score_context(cfg, manifest)))
kept.keep()
opened.close()
