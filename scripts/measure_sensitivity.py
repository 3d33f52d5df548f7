"""Rule measure_sensitivity: II and input gradients from centroid to centroid and beyond."""

from itertools import chain

import numpy as np

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.directions.read_out import read_out
from codespectra.experiments import sensitivity
from codespectra.experiments.input_gradients import cosine_slopes
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.start import start_job
from codespectra.models.hooks import Wanted
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject

log = start_job(snakemake.log[0])
GRADIENTS = "input gradients"
cfg, runtime, given = snakemake.params.cfg, snakemake.config["runtime"], snakemake.input
subject = open_subject(given.checkpoint_manifest, given.stimuli_manifest, runtime["device"])
captured = read_layers(given.manifests, cfg)
directed = read_manifest(given.directions_manifests[0])["digests"]
contents = layer_contents(captured)
shown = subject.description["sha256"], read_manifest(given.stimuli_manifest)["sha256"]
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", *METRICS),
    {
        (layer, name): [contents[layer], directed[layer], shown, looked_at]
        for layer in cfg["layers"]
        for name, looked_at in {GRADIENTS: "", **metrics}.items()
    },
)
missing = by_group(kept.missing)
layers = [layer for (layer,) in missing]
wanted = {
    layer["name"]: Wanted(layer, cfg["reduction"]) for layer in named_layers(layers, subject.layers)
}
index = Index(cfg["m"], cfg["normalisation"])
grid = sensitivity.path_grid(cfg["first"], cfg["last"], cfg["steps"])
found = read_methods({cfg["method"]: given.directions[0]}, layers)
centroids = {layer: methods[cfg["method"]].vectors for layer, methods in found.items()}
paths = {layer: sensitivity.find_paths(vectors, grid) for layer, vectors in centroids.items()}
images = {}
with open_captured(given.data) as file:
    for layer, vectors in centroids.items():
        activations = file[wanted[layer].key][:].astype("float32")
        cosines = read_out(activations, vectors, "cosine")
        images[layer] = sensitivity.nearest_images(cosines, paths[layer], index.m)
neighbours = {layer: sensitivity.Neighbours.of(nearest) for layer, nearest in images.items()}
similarities = read_similarities(
    *(given.stimuli, given.embeddings, cfg),
    [near.image for near in neighbours.values()],
    set(chain(*missing.values())),
)


def norms_along(layer, stimuli):
    """Norms of the input gradients (Q, T) at a layer's neighbours."""
    near, walk = neighbours[layer], paths[layer]
    ends = np.stack([near.path, walk.partner[near.path]], axis=1)
    slopes = cosine_slopes(
        subject.network,
        subject.preprocess,
        stimuli,
        wanted[layer],
        centroids[layer],
        near.image,
        ends,
        batch=runtime["batch"],
    )
    norms = slopes.norms(walk.weights[near.path])
    log.info("%s: %d of %d gradient norms undefined", layer, np.isnan(norms).sum(), norms.size)
    return norms


def centroid_norms(layer, stimuli):
    """Norms of the gradients at each centroid's own images, and along the paths if these are new.

    Of a metric more they are those that stand beside another metric.
    """
    beside = [key for key in kept.taken if key[0] == layer and key[1] != GRADIENTS]
    if GRADIENTS not in missing[layer,] and beside:
        return kept.taken_rows(beside[0], "centroids")[
            ["least_gradient_norm", "mean_gradient_norm"]
        ]
    near, walk, norms = neighbours[layer], paths[layer], norms_along(layer, stimuli)
    start, end, own = walk.place(0), walk.place(1), near.own(norms)
    columns = {
        "gradient_norm": own,
        "gradient_norm_a": near.of_place(norms, end),
        "gradient_norm_b": near.of_place(norms, start),
    }
    means = {name: sensitivity.mean_over_images(each) for name, each in columns.items()}
    if GRADIENTS in missing[layer,]:
        kept.add((layer, GRADIENTS), gradients=sensitivity.path_table(walk, means, layer=layer))
    return sensitivity.norm_table(own[:, end])


with open_stimuli(given.stimuli) as file:
    for layer, walk in paths.items():
        norms, end = centroid_norms(layer, file["images"]), walk.place(1)
        for similarity in (x for x in similarities if x.metric in missing[layer,]):
            label = {"layer": layer, "metric": similarity.metric}
            ii = sensitivity.index_along(images[layer], similarity, index)
            cross = sensitivity.cross_similarity(images[layer][:, end], similarity)
            kept.add(
                (layer, similarity.metric),
                paths=sensitivity.path_table(walk, {"ii": ii}, **label),
                pairs=sensitivity.pair_table(walk, cross, **label),
                centroids=sensitivity.centroid_table(ii[:, end], norms, **label),
            )
kept.write(dict.fromkeys(kept.items, score_context(cfg, captured)))
kept.keep()
