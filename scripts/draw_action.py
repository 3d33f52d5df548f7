"""Rule draw_action: action against depth and exponent, and the input variance explained."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.projections import draw_action

job.start(snakemake.log[0])
style.apply()
action = pd.concat(map(pd.read_csv, snakemake.input.action), ignore_index=True)
exponents = pd.concat(map(pd.read_csv, snakemake.input.exponents), ignore_index=True)
table = action.merge(exponents[["model", "layer", "alpha"]], on=["model", "layer"], how="left")
figure = draw_action(table, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
