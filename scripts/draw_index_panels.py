"""Rule draw_index_panels: II by method, by perceptual layer, and on both halves of the units."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.index_methods import draw_index_panels
from codespectra.files.csv_tables import read_csv
from codespectra.interpretability.index_means import mean_indices
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
tables = {}
for name in ("scores", "resampled", "halves", "halves_resampled"):
    table = read_csv(snakemake.input[name], name)
    tables[name] = table[table["metric"] == cfg["metric"]]
means = mean_indices(tables["scores"], tables["resampled"])
half_means = mean_indices(tables["halves"], tables["halves_resampled"])
figure = draw_index_panels(tables["scores"], means, tables["halves"], half_means, cfg["study"])
drawn = pd.concat([means, half_means], ignore_index=True)
style.save(figure, drawn, snakemake.output)
