"""Rule draw_superposition: dimensions per feature of toy models against their density."""

from codespectra.figures import style
from codespectra.figures.theory import draw_superposition
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "superposition")
fit = read_csv(snakemake.input.fit, "superposition_fit")
figure = draw_superposition(table, fit, cfg["study"])
style.save(figure, table, snakemake.output)
