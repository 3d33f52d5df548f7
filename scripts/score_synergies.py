"""Rule score_synergies: the index of every pair of units added, and what adding them gains."""

from functools import partial

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.directions.directions import neurons
from codespectra.experiments import synergy
from codespectra.interpretability.index import Index, check_live
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
BEST_PAIRS = 2  # as many as B fig. 8 shows
cfg = snakemake.params.cfg
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(snakemake.input.manifests, cfg)
pairs = {}
with open_captured(snakemake.input.data) as file:
    for layer in progress(cfg["layers"]):
        units = neurons(file[f"{cfg['reduction']}/{layer}"][:].astype(np.float32))
        check_live({"neurons": units}, layer, index.m)
        pairs[layer] = synergy.pairs_of_units(units, index.m)
        log.info("%s: %d pairs of live units", layer, len(pairs[layer].images))
similarities = read_similarities(
    snakemake.input.stimuli,
    snakemake.input.embeddings,
    cfg,
    np.concatenate([found.sets for found in pairs.values()]),
)
scores = {layer: synergy.score_pairs(found, similarities, index) for layer, found in pairs.items()}
for name, make in (
    ("synergies", synergy.synergy_table),
    ("units", synergy.unit_table),
    ("images", partial(synergy.image_table, count=BEST_PAIRS)),
):
    tables = [make(found, scores[layer]).assign(layer=layer) for layer, found in pairs.items()]
    write_scores(snakemake.output[name], pd.concat(tables), cfg, manifest)
