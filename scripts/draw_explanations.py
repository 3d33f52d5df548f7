"""Rule draw_explanations: explanation scores of neurons and projections over depth."""

from codespectra.figures import style
from codespectra.figures.explanations import draw_explanations, excerpts_note, explanation_table
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
scores = [read_csv(path, "explanations") for path in snakemake.input.scores]
published = [read_csv(path, "published") for path in snakemake.input.published]
table = explanation_table(scores, published[0] if published else None)
figure = draw_explanations(table, snakemake.params.cfg["study"], excerpts_note(scores))
style.save(figure, table, snakemake.output)
