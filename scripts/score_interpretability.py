"""Rule score_interpretability: the II of every direction, each metric, with its interval."""

from itertools import chain

import numpy as np

from codespectra.directions.directions import Directions, read_methods
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, check_live, index_table
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    image_groups,
    images_of_draws,
    index_draws,
    with_intervals,
)
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.statistics.subsamples import group_subsamples

log = start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
manifests = dict(zip(cfg["methods"], map(read_manifest, given.directions_manifests), strict=True))
manifest = manifests[cfg["methods"][0]]
groups = image_groups(cfg["resampled"], given.stimuli, manifest["stimulus_count"])
held = group_subsamples(groups, cfg["resamples"], cfg["seed"])
group_count = len(np.unique(groups))
by_class = cfg["resampled"] == "classes"
drawn = read_manifest(given.stimuli_manifest)["sha256"] if by_class else None
paths = dict(zip(cfg["methods"], given.directions, strict=True))
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", "methods", *METRICS),
    {
        (layer, method, metric): [manifests[method]["digests"][layer], metrics[metric], drawn]
        for layer in cfg["layers"]
        for metric in metrics
        for method in cfg["methods"]
    },
)
missing = by_group(kept.missing)


def directions_of(layer: str, method: str) -> dict[str, Directions]:
    """A method's directions by its name: those of all at once might not fit."""
    return read_methods({method: paths[method]}, [layer])[layer]


def score(layer: str, method: str, scored: list[str]) -> None:
    """Add scores with their intervals, and their moments on each subsample, by metric.

    Each method is scored by itself, so that no other changes the order of its sums.
    """
    found = directions_of(layer, method)
    check_live(found, layer, cfg["m"])
    chosen = [similarity for similarity in similarities if similarity.metric in scored]
    table = index_table(found, chosen, index)
    draws = index_draws(table, found, chosen, index, held)
    states = table.drop_duplicates("direction")["state"]
    log.info("%s, %s: %s", layer, method, states.value_counts(sort=False).to_dict())
    known = with_intervals(table, draws, group_count).assign(layer=layer)
    scores = dict([*known.groupby("metric")])
    resampled = dict([*draws_by_method(table, draws).assign(layer=layer).groupby("metric")])
    for metric in scored:
        kept.add((layer, method, metric), scores=scores[metric], resampled=resampled[metric])


shown = [images_of_draws(directions_of(*one).values(), cfg["m"], held) for one in missing]
needed = set(chain(*missing.values()))
similarities = read_similarities(given.stimuli, given.embeddings, cfg, shown, needed)
for (layer, method), scored in progress(missing.items()):
    score(layer, method, scored)
context = score_context(cfg, manifest) | {"image_groups": group_count}
kept.write(dict.fromkeys(kept.items, context))
kept.keep()
