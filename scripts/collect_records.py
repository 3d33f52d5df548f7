"""Rule collect_records: which units are explained, and their excerpts, layer by layer."""

import pandas as pd
from tqdm import tqdm

from codespectra import explained_units, job, store
from codespectra.captured import captured_parts
from codespectra.neuron_records import NeuronId, write_lines
from codespectra.tokens import read_tokens

job.start(snakemake.log[0])
cfg = snakemake.params.cfg
layers = captured_parts(store.read_json(snakemake.input.manifest), cfg["part"])
tables = []


def records(file):
    """The records of all units, layer by layer; the units' rows go to `tables`."""
    text = explained_units.Text.of(read_tokens(file))
    for where, dataset in tqdm(layers, desc="records", disable=None):
        rows, of_layer = file[dataset["key"]], {"depth": where["depth"], "seed": cfg["seed"]}
        chosen = explained_units.choose_units(
            rows, text, units=cfg["units"], draws=cfg["draws"], **of_layer
        )
        tables.append(chosen.assign(**where)[[*where, *chosen.columns]])
        responses = explained_units.respond(rows, text, chosen, **of_layer)
        for kind, number, response in zip(chosen["kind"], chosen["unit"], responses.T, strict=True):
            unit = NeuronId(layer_index=where["depth"] - 1, neuron_index=number)
            excerpts = explained_units.find_excerpts(
                response,
                text,
                unit,
                kind,
                top=cfg["top"],
                random=cfg["random"],
                seed=cfg["seed"],
            )
            yield explained_units.record_unit(response, text, unit, excerpts)


with store.open_hdf5(snakemake.input.data) as file:
    write_lines(snakemake.output.records, records(file))
store.write_csv(snakemake.output.units, pd.concat(tables))
