"""Rule measure_sensitivity: II and input gradients from centroid to centroid and beyond."""

import numpy as np
import pandas as pd
import torch

from codespectra.capture.captured import open_captured, read_layers
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.directions.read_out import read_out
from codespectra.experiments import sensitivity
from codespectra.experiments.input_gradients import cosine_slopes
from codespectra.interpretability.index import Index
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import read_similarities
from codespectra.jobs.start import start_job
from codespectra.models.hooks import Wanted
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject

log = start_job(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
subject = open_subject(
    snakemake.input.checkpoint_manifest, snakemake.input.stimuli_manifest, runtime["device"]
)
captured = read_layers(snakemake.input.manifests, cfg)
wanted = {
    layer["name"]: Wanted(layer, cfg["reduction"])
    for layer in named_layers(cfg["layers"], subject.layers)
}
index = Index(cfg["m"], cfg["normalisation"])
grid = sensitivity.path_grid(cfg["first"], cfg["last"], cfg["steps"])
found = read_methods({cfg["method"]: snakemake.input.directions[0]}, cfg["layers"])
centroids = {layer: methods[cfg["method"]].vectors for layer, methods in found.items()}
paths = {layer: sensitivity.find_paths(vectors, grid) for layer, vectors in centroids.items()}
images = {}
with open_captured(snakemake.input.data) as file:
    for layer, vectors in centroids.items():
        activations = file[wanted[layer].key][:].astype("float32")
        cosines = read_out(activations, vectors, "cosine")
        images[layer] = sensitivity.nearest_images(cosines, paths[layer], index.m)
neighbours = {layer: sensitivity.Neighbours.of(nearest) for layer, nearest in images.items()}
similarities = read_similarities(
    snakemake.input.stimuli,
    snakemake.input.embeddings,
    cfg,
    np.concatenate([near.image for near in neighbours.values()]),
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


tables = {name: [] for name in ("paths", "gradients", "pairs", "centroids")}
with open_stimuli(snakemake.input.stimuli) as file:
    for layer, walk in paths.items():
        near, norms = neighbours[layer], norms_along(layer, file["images"])
        start, end, own = walk.place(0), walk.place(1), near.own(norms)
        columns = {
            "gradient_norm": own,
            "gradient_norm_a": near.of_place(norms, end),
            "gradient_norm_b": near.of_place(norms, start),
        }
        means = {name: sensitivity.mean_over_images(each) for name, each in columns.items()}
        tables["gradients"].append(sensitivity.path_table(walk, means, layer=layer))
        for similarity in similarities:
            label = {"layer": layer, "metric": similarity.metric}
            ii = sensitivity.index_along(images[layer], similarity, index)
            cross = sensitivity.cross_similarity(images[layer][:, end], similarity)
            tables["paths"].append(sensitivity.path_table(walk, {"ii": ii}, **label))
            tables["pairs"].append(sensitivity.pair_table(walk, cross, **label))
            tables["centroids"].append(sensitivity.centroid_table(ii[:, end], own[:, end], **label))
for name, parts in tables.items():
    write_scores(snakemake.output[name], pd.concat(parts), cfg, captured)
