"""Rule draw_information: what the layers of deep dropout networks keep of their input."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.information import draw_information
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "information")
checks = read_csv(snakemake.input.checks, "information_checks")
figure = draw_information(table, checks, cfg["study"], cfg["information"])
drawn = pd.concat([table.assign(panel="networks"), checks.assign(panel="check")])
style.save(figure, drawn, snakemake.output)
