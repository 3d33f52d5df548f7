"""Rule draw_passage: the least-action projection of a passage with its text."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.language import draw_passage, passage_table

job.start(snakemake.log[0])
style.apply()
table = passage_table(pd.read_csv(snakemake.input.passage))
figure = draw_passage(table, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
