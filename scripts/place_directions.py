"""Rule place_directions: where all directions of a run lie in the spectra of their layers."""

import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.directions.directions import read_methods
from codespectra.directions.places import places
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_layers(snakemake.input.manifests, cfg)
paths = dict(zip(cfg["methods"], snakemake.input.directions, strict=True))
context = {"model": cfg["model"], "weights": manifest["weights"]}
context |= {name: cfg[name] for name in ("stimuli", "reduction")}
tables = []
with open_captured(snakemake.input.data) as file:
    for layer in progress(cfg["layers"], desc="places"):
        found = places(
            file[f"{cfg['reduction']}/{layer}"],
            read_methods(paths, [layer])[layer],
            solver=cfg["solver"],
            seed=cfg["seed"],
        )
        tables.append(pd.DataFrame(context | {"layer": layer}, index=found.index).join(found))
write_csv(snakemake.output.places, pd.concat(tables))
