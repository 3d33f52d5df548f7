"""Rule draw_synergy: synergies of all pairs of units, by correlation and by II."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.synergy import draw_synergy
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
tables = [
    read_csv(snakemake.input.synergies, "synergies"),
    read_csv(snakemake.input.units, "synergy_units"),
]
pairs, units = (table[table["metric"] == cfg["metric"]] for table in tables)
figure = draw_synergy(pairs, units, cfg["study"])
drawn = pd.concat([pairs.assign(table="pairs"), units.assign(table="units")], ignore_index=True)
style.save(figure, drawn, snakemake.output)
