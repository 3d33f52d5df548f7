"""Rule simulate_psychophysics: which of two queries is like a direction's images, each metric."""

import pandas as pd

from codespectra.directions.directions import read_methods
from codespectra.errors import UserError
from codespectra.experiments.example_trials import example_trials, with_responses
from codespectra.experiments.psychophysics import accuracy_table, answer, lay_out
from codespectra.experiments.trial_design import Design, shortages
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
design = Design.of(cfg)
manifest = read_manifest(snakemake.input.directions_manifests[0])
if lines := shortages(manifest["stimulus_count"], cfg, cfg["stimuli"]):
    raise UserError("\n".join(lines))
paths = dict(zip(cfg["methods"], snakemake.input.directions, strict=True))
found = read_methods(paths, cfg["layers"])
sheet, trials = lay_out(found, cfg["m"], design)
similarities = read_similarities(
    snakemake.input.stimuli, snakemake.input.embeddings, cfg, trials.images
)
log.info("%d trials show %d images", trials.counted.sum(), len(trials.images))
tables, examples = [], []
for similarity in progress(similarities):
    right = answer(similarity, trials, design)
    tables.append(accuracy_table(sheet, right, similarity.metric))
    examples.append(example_trials(tables[-1], right, trials, similarity, design.pool))
write_scores(snakemake.output.accuracy, pd.concat(tables), cfg, manifest)
shown = with_responses(pd.concat(examples, ignore_index=True), found)
write_scores(snakemake.output.trial, shown, cfg, manifest)
