"""Rule collect_records: which units are explained, and their excerpts, layer by layer."""

import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts
from codespectra.data.tokens import read_tokens
from codespectra.explanations import units
from codespectra.explanations.neuron_records import NeuronId, write_lines
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
layers = captured_parts(read_parts(snakemake.input.manifests, cfg["parts"]))
tables = []


def records(file):
    """The records of all units, layer by layer; the units' rows go to `tables`."""
    text = units.Text.of(read_tokens(file))
    for where, dataset in progress(layers, desc="records"):
        rows, of_layer = file[dataset["key"]], {"depth": where["depth"], "seed": cfg["seed"]}
        chosen = units.choose_units(rows, text, units=cfg["units"], draws=cfg["draws"], **of_layer)
        tables.append(chosen.assign(**where)[[*where, *chosen.columns]])
        responses = units.respond(rows, text, chosen, **of_layer)
        for kind, number, response in zip(chosen["kind"], chosen["unit"], responses.T, strict=True):
            unit = NeuronId(layer_index=where["depth"] - 1, neuron_index=number)
            excerpts = units.find_excerpts(
                response,
                text,
                unit,
                kind,
                top=cfg["top"],
                random=cfg["random"],
                seed=cfg["seed"],
            )
            yield units.record_unit(response, text, unit, excerpts)


with open_captured(snakemake.input.data) as file:
    write_lines(snakemake.output.records, records(file))
write_csv(snakemake.output.units, pd.concat(tables))
