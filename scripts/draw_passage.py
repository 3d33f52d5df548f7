"""Rule draw_passage: the least-action projection of a passage with its text."""

from codespectra import job
from codespectra.csv_tables import read_csv
from codespectra.figures import style
from codespectra.figures.language import draw_passage, passage_table

job.start(snakemake.log[0])
style.apply()
table = passage_table(read_csv(snakemake.input.passage, "passage"))
figure = draw_passage(table, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
