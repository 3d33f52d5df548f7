"""Rule score_halves: the II of the units below and above the median, and of K-Means in each."""

from itertools import chain

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.directions.halves import HALVES, half_directions, split_at_median
from codespectra.errors import UserError
from codespectra.files.csv_tables import read_csv
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import COLUMNS, Index, candidates
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    image_groups,
    resampled_index,
    with_intervals,
)
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.statistics.subsamples import group_subsamples

log = start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(given.manifests, cfg)
groups = image_groups(cfg["resampled"], given.stimuli, manifest["count"])
samples = group_subsamples(groups, cfg["resamples"], cfg["seed"])
group_count = len(np.unique(groups))
by_class = cfg["resampled"] == "classes"
drawn = read_manifest(given.stimuli_manifest)["sha256"] if by_class else None
scores = read_csv(given.scores, "scores")
known = scores["metric"].eq(cfg["metric"]) & scores["part"].eq(ALL) & scores["method"].eq("neurons")
scores = scores[known].sort_values("direction")
ii = {layer: scores.loc[scores["layer"] == layer, "ii"].to_numpy() for layer in cfg["layers"]}
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", *METRICS),
    {
        (layer, half, metric): [content, ii[layer].tolist(), metrics[metric], drawn]
        for layer, content in layer_contents(manifest).items()
        for half in HALVES
        for metric in metrics
    },
)
missing = by_group(kept.missing)
halves = {}
with open_captured(given.data) as file:
    for layer, half in progress(missing):
        activations = file[f"{cfg['reduction']}/{layer}"]
        units = split_at_median(ii[layer], layer)[half]
        try:
            found = half_directions(activations, units, **cfg["kmeans"])
            every = {method: candidates(one, cfg["m"], samples) for method, one in found.items()}
            halves[layer, half] = units, every
        except UserError as error:
            raise UserError(
                f"{half} half of {layer}, directions.methods.kmeans: {error}"
            ) from error
shown = [one.lists for _, every in halves.values() for one in every.values()]
needed = set(chain(*missing.values()))
similarities = read_similarities(given.stimuli, given.embeddings, cfg, shown, needed)
for (layer, half), (units, every) in progress(halves.items()):
    for similarity in (one for one in similarities if one.metric in missing[layer, half]):
        methods, tables, drawn = zip(*resampled_index(every, similarity, index), strict=True)
        tables = [x.assign(method=method) for x, method in zip(tables, methods, strict=True)]
        table, draws = pd.concat(tables, ignore_index=True)[COLUMNS], np.concatenate(drawn)
        is_unit = table["method"] == "neurons"
        table["direction"] = table["direction"].mask(is_unit, units[table["direction"]])
        where = {"layer": layer, "half": half}
        kept.add(
            (layer, half, similarity.metric),
            halves=with_intervals(table, draws, group_count).assign(**where),
            resampled=draws_by_method(table, draws).assign(**where),
        )
    log.info("%s, %s half: %d units", layer, half, len(units))
context = score_context(cfg, manifest) | {"image_groups": group_count}
kept.write(dict.fromkeys(kept.items, context))
kept.keep()
