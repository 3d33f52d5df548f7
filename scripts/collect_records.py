"""Rule collect_records: which units are explained, and their excerpts, layer by layer."""

import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts, content_of
from codespectra.capture.rows import Rows
from codespectra.data.tokens import read_tokens
from codespectra.explanations import units
from codespectra.explanations.neuron_records import NeuronId, as_line
from codespectra.files.kept_tables import KeptTables
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg, seed = snakemake.params.cfg, snakemake.params.cfg["seed"]
manifest = read_parts(snakemake.input.manifests, cfg["parts"])
layers = {where["layer"]: (where, dataset) for where, dataset in captured_parts(manifest)}


def collect(rows: Rows, depth: int) -> dict[str, pd.DataFrame | bytes]:
    """The units of a layer, and a record of each."""
    of_layer = {"depth": depth, "seed": seed}
    chosen = units.choose_units(rows, text, units=cfg["units"], draws=cfg["draws"], **of_layer)
    responses = units.respond(rows, text, chosen, **of_layer)
    records = []
    for kind, number, response in zip(chosen["kind"], chosen["unit"], responses.T, strict=True):
        unit = NeuronId(layer_index=depth - 1, neuron_index=number)
        sizes = {"top": cfg["top"], "random": cfg["random"], "seed": seed}
        excerpts = units.find_excerpts(response, text, unit, kind, **sizes)
        records.append(as_line(units.record_unit(response, text, unit, excerpts)))
    return {"units": chosen, "records": b"".join(records)}


with open_captured(snakemake.input.data) as file:
    tokens = read_tokens(file)
    text = units.Text.of(tokens)
    kept = KeptTables(
        snakemake.output,
        snakemake.params,
        ["parts"],
        # A layer at another depth has other random directions.
        {x: [content_of(manifest, y), tokens.sha256, z["depth"]] for x, (z, y) in layers.items()},
    )
    for layer in progress(kept.missing, desc="records"):
        where, dataset = layers[layer]
        kept.add(layer, **collect(file[dataset["key"]], where["depth"]))
kept.write({layer: where for layer, (where, _) in layers.items()})
kept.keep()
