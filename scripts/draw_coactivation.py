"""Rule draw_coactivation: II against co-activation, before and after the ReLU."""

from codespectra.figures import style
from codespectra.figures.coactivation import draw_coactivation
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "coactivation")
resampling = {"resamples": cfg["resamples"], "seed": cfg["seed"]}
figure = draw_coactivation(table, cfg["study"], cfg["metric"], resampling)
style.save(figure, table, snakemake.output)
