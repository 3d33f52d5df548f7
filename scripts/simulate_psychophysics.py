"""Rule simulate_psychophysics: which of two queries is like a direction's images, each metric."""

from itertools import chain

from codespectra.directions.directions import opened_layer
from codespectra.errors import UserError
from codespectra.experiments.example_trials import example_trials, with_responses
from codespectra.experiments.psychophysics import accuracy_table, answer, lay_out
from codespectra.experiments.trial_design import Design, shortages
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
design = Design.of(cfg)
manifests = dict(zip(cfg["methods"], map(read_manifest, given.directions_manifests), strict=True))
manifest = manifests[cfg["methods"][0]]
if lines := shortages(manifest["stimulus_count"], cfg, cfg["stimuli"]):
    raise UserError("\n".join(lines))
paths = dict(zip(cfg["methods"], given.directions, strict=True))
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", "methods", *METRICS),
    {
        (layer, method, metric): [manifests[method]["digests"][layer], metrics[metric]]
        for metric in metrics
        for layer in cfg["layers"]
        for method in cfg["methods"]
    },
)
missing = by_group(kept.missing)
sheets, trials = {}, {}
for layer, method in missing:
    with opened_layer(paths[method], layer) as one:
        laid = lay_out({layer: {method: one}}, cfg["m"], design)
    sheets[layer, method], trials[layer, method] = laid
shown = [own.images for own in trials.values()]
count = sum(own.counted.sum() for own in trials.values())
log.info("%d trials show %d images", count, len(set(chain(*shown))))
needed = set(chain(*missing.values()))
similarities = read_similarities(given.stimuli, given.embeddings, cfg, shown, needed)
for similarity in progress(similarities):
    for layer, method in (key for key, asked in missing.items() if similarity.metric in asked):
        own, sheet = trials[layer, method], sheets[layer, method]
        right = answer(similarity, own, design)
        accuracy = accuracy_table(sheet, right, similarity.metric)
        examples = example_trials(accuracy, right, own, similarity, design.pool)
        with opened_layer(paths[method], layer) as one:
            trial = with_responses(examples, {layer: {method: one}})
        kept.add((layer, method, similarity.metric), accuracy=accuracy, trial=trial)
kept.write(dict.fromkeys(kept.items, score_context(cfg, manifest)))
kept.keep()
