"""Rule score_interpretability: the II of every direction, each metric, with its interval."""

import numpy as np
import pandas as pd

from codespectra.directions.directions import Directions, read_methods
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, check_live, index_table
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    images_of_draws,
    index_draws,
    with_intervals,
)
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.statistics.subsamples import subsamples

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_manifest(snakemake.input.directions_manifests[0])
held = subsamples(manifest["stimulus_count"], cfg["resamples"], cfg["seed"])
paths = dict(zip(cfg["methods"], snakemake.input.directions, strict=True))


def directions_of(layer: str) -> dict[str, Directions]:
    """The layer's directions by method: those of all layers at once might not fit."""
    return read_methods(paths, [layer])[layer]


def score(layer: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The layer's scores with their intervals, and their moments on each subsample."""
    methods = directions_of(layer)
    check_live(methods, layer, cfg["m"])
    table = index_table(methods, similarities, index)
    draws = index_draws(table, methods, similarities, index, held)
    states = table.drop_duplicates(["method", "direction"])[["method", "state"]]
    log.info("%s: %s", layer, states.value_counts(sort=False).to_dict())
    summary = draws_by_method(table, draws)
    return with_intervals(table, draws).assign(layer=layer), summary.assign(layer=layer)


images = [images_of_draws(directions_of(x).values(), cfg["m"], held) for x in cfg["layers"]]
similarities = read_similarities(
    snakemake.input.stimuli, snakemake.input.embeddings, cfg, np.concatenate(images)
)
scored = [score(layer) for layer in progress(cfg["layers"])]
tables, summaries = zip(*scored, strict=True)
write_scores(snakemake.output.scores, pd.concat(tables), cfg, manifest)
write_scores(snakemake.output.resampled, pd.concat(summaries), cfg, manifest)
