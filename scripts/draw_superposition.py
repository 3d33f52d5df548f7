"""Rule draw_superposition: dimensions per feature of toy models against their density."""

from codespectra import job
from codespectra.csv_tables import read_csv
from codespectra.figures import style
from codespectra.figures.theory import draw_superposition

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "superposition")
fit = read_csv(snakemake.input.fit, "superposition_fit")
figure = draw_superposition(table, fit, cfg["study"])
style.save(figure, table, snakemake.output)
