"""Rule draw_channel: dropout's capacity, layer by layer and per neuron, and the entropy bounds."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.theory import draw_channel
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
kinds = {"capacity": "capacity", "layers": "capacity_layers", "entropy": "entropy"}
tables = {name: read_csv(snakemake.input[name], kind) for name, kind in kinds.items()}
figure = draw_channel(**tables, study=snakemake.params.cfg["study"])
drawn = pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)
style.save(figure, drawn, snakemake.output)
