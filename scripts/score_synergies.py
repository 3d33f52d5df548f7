"""Rule score_synergies: the index of every pair of units added, and what adding them gains."""

from itertools import chain

import numpy as np

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.directions.directions import neurons
from codespectra.experiments import synergy
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.interpretability.index import Index, check_live
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
BEST_PAIRS = 2  # as many as B fig. 8 shows
cfg, given = snakemake.params.cfg, snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
manifest = read_layers(given.manifests, cfg)
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", *METRICS),
    {
        (layer, metric): [content, metrics[metric]]
        for layer, content in layer_contents(manifest).items()
        for metric in metrics
    },
)
missing, pairs = by_group(kept.missing), {}
with open_captured(given.data) as file:
    for (layer,) in progress(missing):
        units = neurons(file[f"{cfg['reduction']}/{layer}"][:].astype(np.float32))
        check_live({"neurons": units}, layer, index.m)
        pairs[layer] = synergy.pairs_of_units(units, index.m)
        log.info("%s: %d pairs of live units", layer, len(pairs[layer].images))
similarities = read_similarities(
    *(given.stimuli, given.embeddings, cfg),
    [own.sets for own in pairs.values()],
    set(chain(*missing.values())),
)
for layer, own in progress(pairs.items()):
    for similarity in (one for one in similarities if one.metric in missing[layer,]):
        scores = synergy.score_pairs(own, [similarity], index)
        kept.add(
            (layer, similarity.metric),
            synergies=synergy.synergy_table(own, scores).assign(layer=layer),
            units=synergy.unit_table(own, scores).assign(layer=layer),
            images=synergy.image_table(own, scores, BEST_PAIRS).assign(layer=layer),
        )
kept.write(dict.fromkeys(kept.items, score_context(cfg, manifest)))
kept.keep()
