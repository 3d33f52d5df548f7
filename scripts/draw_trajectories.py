"""Rule draw_trajectories: random projections of the moving dot as curves coloured by time."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.projections import draw_trajectories, trajectory_table
from codespectra.files.array_files import read_array
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
files = zip(snakemake.input.trajectories, snakemake.input.action, strict=True)
curves = pd.concat(
    [trajectory_table(read_array(curve), read_csv(action, "action")) for curve, action in files],
    ignore_index=True,
)
figure = draw_trajectories(curves, snakemake.params.cfg["study"])
style.save(figure, curves, snakemake.output)
