"""Rule draw_coactivation: II against co-activation, before and after the ReLU."""

from codespectra import job
from codespectra.csv_tables import read_csv
from codespectra.figures import style
from codespectra.figures.coactivation import draw_coactivation

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "coactivation")
resampling = {"draws": cfg["bootstrap"], "seed": cfg["seed"]}
figure = draw_coactivation(table, cfg["study"], cfg["metric"], resampling)
style.save(figure, table, snakemake.output)
