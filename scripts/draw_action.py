"""Rule draw_action: action against depth and exponent, and the input variance explained."""

from codespectra.figures import style
from codespectra.figures.projections import draw_action
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
action = read_tables(snakemake.input.action, "action")
exponents = read_tables(snakemake.input.exponents, "exponents")
table = action.merge(exponents[["model", "layer", "alpha"]], on=["model", "layer"], how="left")
figure = draw_action(table, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
