"""Rule draw_superposition: dimensions per feature of toy models against their density."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.theory import draw_superposition

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table, fit = pd.read_csv(snakemake.input.table), pd.read_csv(snakemake.input.fit)
figure = draw_superposition(table, fit, cfg["study"])
style.save(figure, table, snakemake.output)
