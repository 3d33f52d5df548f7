"""Rule describe_text_units: a language model's explained units for the atlas, as shards."""

from itertools import islice
from pathlib import Path

import pandas as pd

from codespectra.atlas.exports import write_neuronpedia
from codespectra.atlas.shards import write_folder_manifest, write_shard
from codespectra.atlas.text_units import excerpts_of, unit_rows
from codespectra.explanations.neuron_records import NeuronRecord, read_lines
from codespectra.files.csv_tables import read_csv, read_tables
from codespectra.files.manifests import read_manifest
from codespectra.files.notes import check_noted, note_of
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
folder = Path(snakemake.output.shards)
folder.mkdir(parents=True, exist_ok=True)
units = read_csv(snakemake.input.units, "units")
explained = list(snakemake.input.get("scores", []))
scores = read_tables(explained, "explanations") if explained else pd.DataFrame()
check_noted(snakemake.input.records)
records = read_lines(snakemake.input.records, NeuronRecord)
where = f"texts/{cfg['model']}"
layers = units["layer"].unique().tolist()
rows = unit_rows(units, scores)
for number, layer in enumerate(progress(layers)):
    own = [row for row in rows if row["layer"] == layer]
    found = list(islice(records, len(own)))
    write_shard(folder / f"{number}.js", f"{where}/{number}", [excerpts_of(one) for one in found])
    for kind in dict.fromkeys(row["kind"] for row in own):
        chosen = [at for at, row in enumerate(own) if row["kind"] == kind]
        source = Path(snakemake.output.neuronpedia) / f"{number}-{own[0]['part']}-{kind}"
        write_neuronpedia(
            *(source, cfg["model"], len(layers)),
            [own[at] for at in chosen],
            [found[at] for at in chosen],
        )
content = {"model": cfg["model"], "layers": layers, "units": rows}
write_shard(folder / "units.js", f"{where}/units", content)
told = {"model": cfg["model"], "weights": units["weights"].iloc[0], "layers": layers}
sources = [snakemake.input.records, snakemake.input.units, *explained]
told["made_of"] = {Path(file).stem: read_manifest(note_of(file))["sha256"] for file in sources}
write_folder_manifest(snakemake.output.manifest, folder, **told, units=len(units))
log.info("%d units of %d layers", len(units), len(layers))
