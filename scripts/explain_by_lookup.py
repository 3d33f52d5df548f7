"""Rule explain_by_lookup: each unit's mean response to the token as its explanation, scored."""

from collections import deque
from itertools import islice

import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts, content_of
from codespectra.capture.rows import Rows
from codespectra.data.tokens import read_tokens
from codespectra.explanations import lookup
from codespectra.explanations.neuron_records import NeuronRecord, as_line, line_digests, read_lines
from codespectra.explanations.scores import score_row
from codespectra.explanations.units import Text, find_again, respond
from codespectra.files.csv_tables import read_csv
from codespectra.files.kept_tables import KeptTables
from codespectra.files.notes import check_noted
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, seed = snakemake.params.cfg, snakemake.params.cfg["seed"]
manifest = read_parts(snakemake.input.manifests, cfg["parts"])
layers = {where["layer"]: (where, dataset) for where, dataset in captured_parts(manifest)}
table = read_csv(snakemake.input.units, "units")
units = {
    layer: table[table["layer"] == layer].drop(columns=[*layers[layer][0]]) for layer in layers
}
check_noted(snakemake.input.records)
records = read_lines(snakemake.input.records, NeuronRecord)
recorded = line_digests(snakemake.input.records, map(len, units.values()))
explainer = "lookup bigram" if cfg["bigram"] else "lookup"


def explain(rows: Rows, depth: int, chosen: pd.DataFrame) -> dict[str, pd.DataFrame | bytes]:
    """Explanations of a layer's units and their scores; their records are the next ones."""
    responses = respond(rows, text, chosen, depth=depth, seed=seed)
    of_layer, scores, lines = islice(records, len(chosen)), [], []
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
        lines.append(as_line(found))
    scored = pd.DataFrame(scores)
    means = scored.groupby("kind")["score"].mean().round(3).to_dict()
    log.info("depth %d: mean score by kind: %s", depth, means)
    return {"scores": scored, "explanations": b"".join(lines)}


with open_captured(snakemake.input.data) as file:
    tokens = read_tokens(file)
    text = Text.of(tokens)
    contexts = lookup.Contexts.of(tokens, text, bigram=cfg["bigram"])
    kept = KeptTables(
        snakemake.output,
        snakemake.params,
        ["parts"],
        {
            layer: [content_of(manifest, dataset), tokens.sha256, digest, units[layer].to_csv()]
            for (layer, (_, dataset)), digest in zip(layers.items(), recorded, strict=True)
        },
    )
    for layer, (where, dataset) in progress(layers.items(), desc="lookup"):
        if layer in kept.missing:
            kept.add(layer, **explain(file[dataset["key"]], where["depth"], units[layer]))
        else:
            deque(islice(records, len(units[layer])), maxlen=0)  # are passed over
kept.write({layer: where for layer, (where, _) in layers.items()})
kept.keep()
