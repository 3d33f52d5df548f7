"""Rule draw_index: II by method and metric, controls included."""

from codespectra.figures import style
from codespectra.figures.index import draw_index
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
scores = read_tables(snakemake.input.scores, "scores")
whole = scores[scores["part"] == "all"]
figure = draw_index(whole, snakemake.params.cfg["study"])
style.save(figure, whole, snakemake.output)
