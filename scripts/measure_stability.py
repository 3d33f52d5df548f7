"""Rule measure_stability: how stable directions are under noise on the images, and their II."""

from itertools import chain

import numpy as np

from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import Directions, read_methods
from codespectra.directions.encode import respond
from codespectra.experiments.stability import (
    Noisy,
    noisy_activations,
    rank_correlations,
    stability,
    stability_table,
)
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, candidates
from codespectra.interpretability.index_resampled import image_groups, resampled_index
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.hooks import Wanted
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject
from codespectra.statistics.subsamples import group_subsamples

log = start_job(snakemake.log[0])
cfg, runtime, given = snakemake.params.cfg, snakemake.config["runtime"], snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
paths = dict(zip(cfg["methods"], given.directions, strict=True))
manifests = dict(zip(cfg["methods"], map(read_manifest, given.directions_manifests), strict=True))
shown = [read_manifest(x)["sha256"] for x in (given.checkpoint_manifest, given.stimuli_manifest)]
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", "methods", *METRICS),
    {
        (layer, method, metric): [manifests[method]["digests"][layer], shown, metrics[metric]]
        for layer in cfg["layers"]
        for metric in metrics
        for method in cfg["methods"]
    },
)
missing = by_group(kept.missing)
manifest = manifests[cfg["methods"][0]]
groups = image_groups(cfg["resampled"], given.stimuli, manifest["stimulus_count"])
held = group_subsamples(groups, cfg["resamples"], cfg["resampling_seed"])


def show_noise(layers: list[str]) -> Noisy:
    """The network's activations of the noisy images."""
    subject = open_subject(given.checkpoint_manifest, given.stimuli_manifest, runtime["device"])
    wanted = [Wanted(x, cfg["reduction"]) for x in named_layers(layers, subject.layers)]
    with open_stimuli(given.stimuli) as file:
        return noisy_activations(
            *(subject.network, subject.preprocess, file["images"], wanted),
            *(cfg["strengths"], cfg["seed"]),
        )


def directions_of(layer: str, method: str) -> Directions:
    """A method's directions: those of all at once might not fit."""
    return read_methods({method: paths[method]}, [layer])[layer][method]


def score(layer: str, method: str, scored: list[str]) -> None:
    """Add a method's stability beside its II by each of the metrics."""
    own = directions_of(layer, method)
    subsets = np.concatenate([np.ones_like(held[:1]), held])
    measured = {
        strength: stability(
            own.responses, respond(rows[layer], own.vectors, own.encoder), subsets, index.m
        )
        for strength, rows in noisy.items()
    }
    chosen = [similarity for similarity in similarities if similarity.metric in scored]
    for similarity in chosen:
        metric, one = similarity.metric, {method: every[layer, method]}
        ((_, scores, draws),) = resampled_index(one, similarity, index)
        rows = (scores["part"] == ALL).to_numpy()
        label = {"layer": layer, "method": method, "metric": metric}
        ii = scores.loc[rows, "ii"].to_numpy()
        kept.add(
            (layer, method, metric),
            stability=stability_table(ii, measured, **label),
            resampled=rank_correlations(draws[rows], measured, **label),
        )


noisy = show_noise([*dict.fromkeys(layer for layer, _ in missing)]) if missing else {}
every = {one: candidates(directions_of(*one), index.m, held) for one in missing}
similarities = read_similarities(
    *(given.stimuli, given.embeddings, cfg),
    [one.lists for one in every.values()],
    set(chain(*missing.values())),
)
for (layer, method), scored in progress(missing.items()):
    score(layer, method, scored)
context = score_context(cfg, manifest) | {"image_groups": len(np.unique(groups))}
kept.write(dict.fromkeys(kept.items, context))
kept.keep()
