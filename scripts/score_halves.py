"""Rule score_halves: the II of the units below and above the median, and of K-Means in each."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.directions.halves import half_directions, split_at_median
from codespectra.errors import UserError
from codespectra.files.csv_tables import read_csv
from codespectra.interpretability.index import Index, index_table
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    images_of_draws,
    index_draws,
    with_intervals,
)
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.statistics.subsamples import subsamples

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(snakemake.input.manifests, cfg)
samples = subsamples(manifest["count"], cfg["resamples"], cfg["seed"])
scores = read_csv(snakemake.input.scores, "scores")
known = scores["metric"].eq(cfg["metric"]) & scores["part"].eq(ALL) & scores["method"].eq("neurons")
scores = scores[known].sort_values("direction")
halves = {}
with open_captured(snakemake.input.data) as file:
    for layer in progress(cfg["layers"]):
        activations = file[f"{cfg['reduction']}/{layer}"][:].astype("float32")
        ii = scores.loc[scores["layer"] == layer, "ii"].to_numpy()
        for half, units in split_at_median(ii, layer).items():
            try:
                halves[layer, half] = units, half_directions(activations, units, **cfg["kmeans"])
            except UserError as error:
                raise UserError(
                    f"{half} half of {layer}, directions.methods.kmeans: {error}"
                ) from error
images = [images_of_draws(found.values(), cfg["m"], samples) for _, found in halves.values()]
similarities = read_similarities(
    snakemake.input.stimuli, snakemake.input.embeddings, cfg, np.concatenate(images)
)
tables, summaries = [], []
for (layer, half), (units, found) in progress(halves.items()):
    table = index_table(found, similarities, index)
    draws = index_draws(table, found, similarities, index, samples)
    is_unit = table["method"] == "neurons"
    table["direction"] = table["direction"].mask(is_unit, units[table["direction"]])
    tables.append(with_intervals(table, draws).assign(layer=layer, half=half))
    summaries.append(draws_by_method(table, draws).assign(layer=layer, half=half))
    log.info("%s, %s half: %d units", layer, half, len(units))
write_scores(snakemake.output.halves, pd.concat(tables), cfg, manifest)
write_scores(snakemake.output.resampled, pd.concat(summaries), cfg, manifest)
