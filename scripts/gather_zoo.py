"""Rule gather_zoo: the measures of all networks, and what is known of each, in one table."""

import pandas as pd

from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
tables = []
for file, known in zip(snakemake.input.tables, snakemake.params.cfg["networks"], strict=True):
    table = read_csv(file, "zoo_network")
    if (table["measure"] == "").all():
        log.warning("%s:%s failed: %s", *table[["library", "network", "note"]].iloc[0])
    tables.append(table.assign(accuracy=known["accuracy"], year=known["year"]))
gathered = pd.concat(tables, ignore_index=True)
first = ["library", "network", "weights", "parameters", "accuracy", "year"]
write_csv(snakemake.output.table, gathered[[*first, *(x for x in gathered if x not in first)]])
