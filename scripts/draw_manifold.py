"""Rule draw_manifold: the map of most exciting images, activity on it, II against sparsity."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.manifold import draw_manifold
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
names = ("images", "activity", "units")
tables = {name: read_csv(snakemake.input[name], f"manifold_{name}") for name in names}
resampling = {"resamples": cfg["resamples"], "seed": cfg["seed"]}
figure = draw_manifold(**tables, study=cfg["study"], resampling=resampling)
drawn = pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)
style.save(figure, drawn, snakemake.output)
