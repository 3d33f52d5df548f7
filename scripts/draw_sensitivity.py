"""Rule draw_sensitivity: II and gradient norms from centroid to centroid, against distance."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.sensitivity import Sensitivity, draw_sensitivity
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
tables = Sensitivity(*(read_csv(snakemake.input[name], name) for name in Sensitivity._fields))
resampling = {"resamples": cfg["resamples"], "seed": cfg["seed"]}
figure = draw_sensitivity(tables, cfg["study"], cfg["metric"], resampling)
drawn = tables.of("metric", cfg["metric"])._replace(centroids=tables.centroids)
named = [table.assign(table=name) for name, table in drawn._asdict().items()]
style.save(figure, pd.concat(named, ignore_index=True), snakemake.output)
