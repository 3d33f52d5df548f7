"""Rule draw_index: II by method and metric, controls included."""

from codespectra import job
from codespectra.csv_tables import read_tables
from codespectra.figures import style
from codespectra.figures.interpretability import draw_index

job.start(snakemake.log[0])
style.apply()
scores = read_tables(snakemake.input.scores, "scores")
whole = scores[scores["part"] == "all"]
figure = draw_index(whole, snakemake.params.cfg["study"])
style.save(figure, whole, snakemake.output)
