"""Rule score_interpretability: the II of every direction, each metric, with its interval."""

from itertools import chain

import numpy as np

from codespectra.directions.directions import opened_layer
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import (
    COLUMNS,
    Candidates,
    Index,
    candidates,
    check_live,
)
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    image_groups,
    resampled_index,
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


def candidates_of(layer: str, method: str) -> Candidates:
    """Most exciting images of a method's directions; their responses are read block by block."""
    with opened_layer(paths[method], layer) as found:
        check_live({method: found}, layer, cfg["m"])
        one = candidates(found, cfg["m"], held)
    states = dict(zip(*np.unique(one.state, return_counts=True), strict=True))
    log.info("%s, %s: %s", layer, method, {str(x): int(y) for x, y in states.items()})
    return one


every = {key: candidates_of(*key) for key in progress(missing, desc="ranking")}
shown, needed = [one.lists for one in every.values()], set(chain(*missing.values()))
similarities = read_similarities(given.stimuli, given.embeddings, cfg, shown, needed)
for similarity in progress(similarities, desc="scoring"):
    metric = similarity.metric
    wanted = {key: one for key, one in every.items() if metric in missing[key]}
    for (layer, method), table, draws in resampled_index(wanted, similarity, index):
        table = table.assign(method=method)[COLUMNS]
        kept.add(
            (layer, method, metric),
            scores=with_intervals(table, draws, group_count).assign(layer=layer),
            resampled=draws_by_method(table, draws).assign(layer=layer),
        )
context = score_context(cfg, manifest) | {"image_groups": group_count}
kept.write(dict.fromkeys(kept.items, context))
kept.keep()
