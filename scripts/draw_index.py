"""Rule draw_index: II by method and metric, controls included."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.interpretability import draw_index

job.start(snakemake.log[0])
style.apply()
scores = pd.concat(map(pd.read_csv, snakemake.input.scores), ignore_index=True)
whole = scores[scores["part"] == "all"]
figure = draw_index(whole, snakemake.params.cfg["study"])
style.save(figure, whole, snakemake.output)
