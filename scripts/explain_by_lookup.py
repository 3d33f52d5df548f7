"""Rule explain_by_lookup: each unit's mean response to the token as its explanation, scored."""

from itertools import islice

import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts
from codespectra.data.tokens import read_tokens
from codespectra.explanations import lookup
from codespectra.explanations.neuron_records import NeuronRecord, read_lines, write_lines
from codespectra.explanations.scores import score_row
from codespectra.explanations.units import Text, find_again, respond
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.files.notes import check_noted
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, seed = snakemake.params.cfg, snakemake.params.cfg["seed"]
layers = captured_parts(read_parts(snakemake.input.manifests, cfg["parts"]))
units = read_csv(snakemake.input.units, "units")
check_noted(snakemake.input.records)
records = read_lines(snakemake.input.records, NeuronRecord)
explainer = "lookup bigram" if cfg["bigram"] else "lookup"
scores = []


def explanations(file):
    """The scored explanations of all units in order; their rows go to `scores`."""
    tokens = read_tokens(file)
    text = Text.of(tokens)
    contexts = lookup.Contexts.of(tokens, text, bigram=cfg["bigram"])
    for where, dataset in progress(layers, desc="lookup"):
        depth = where["depth"]
        chosen = units[units["depth"] == depth]
        responses = respond(file[dataset["key"]], text, chosen, depth=depth, seed=seed)
        of_layer = islice(records, len(chosen))
        for unit, record, response in zip(
            chosen.to_dict("records"), of_layer, responses.T, strict=True
        ):
            excerpts = find_again(record, response, text, unit["kind"], seed=seed)
            found, judged = lookup.explain(
                record, response, excerpts, text, contexts, smoothing=cfg["smoothing"]
            )
            scores.append(
                unit
                | {"explainer": explainer}
                | score_row(found)
                | judged
                | {
                    "top_only": not record.random_sample,
                    "explanation": found.scored_explanations[0].explanation,
                }
            )
            yield found


with open_captured(snakemake.input.data) as file:
    write_lines(snakemake.output.explanations, explanations(file))
table = pd.DataFrame(scores)
log.info("mean score by kind: %s", table.groupby("kind")["score"].mean().round(3).to_dict())
write_csv(snakemake.output.scores, table)
