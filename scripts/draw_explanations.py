"""Rule draw_explanations: explanation scores of neurons and projections over depth."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.explanations import draw_explanations, excerpts_note, explanation_table

job.start(snakemake.log[0])
style.apply()
scores = [pd.read_csv(path) for path in snakemake.input.scores]
published = [pd.read_csv(path) for path in snakemake.input.published]
table = explanation_table(scores, published[0] if published else None)
figure = draw_explanations(table, snakemake.params.cfg["study"], excerpts_note(scores))
style.save(figure, table, snakemake.output)
