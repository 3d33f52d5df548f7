"""Rule draw_passage: the least-action projection of a passage with its text."""

from codespectra.figures import style
from codespectra.figures.language import draw_passage, passage_table
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
table = passage_table(read_csv(snakemake.input.passage, "passage"))
figure = draw_passage(table, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
