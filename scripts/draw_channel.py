"""Rule draw_channel: dropout's capacity, layer by layer and per neuron, and the entropy bounds."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.theory import draw_channel

job.start(snakemake.log[0])
style.apply()
names = ("capacity", "layers", "entropy")
tables = {name: pd.read_csv(snakemake.input[name]) for name in names}
figure = draw_channel(**tables, study=snakemake.params.cfg["study"])
drawn = pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)
style.save(figure, drawn, snakemake.output)
