"""Rule draw_filters: eigenvectors of every run as kernels and gradients."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.filters import draw_filters
from codespectra.files.csv_tables import read_csv
from codespectra.files.hdf5_files import open_hdf5
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
tables = [read_csv(path, "filters") for path in snakemake.input.tables]
pictures = []
for table, path in zip(tables, snakemake.input.data, strict=True):
    with open_hdf5(path) as file:
        rows = table[["layer", "kind"]].drop_duplicates()
        pictures += [file[f"{row.layer}/{row.kind}"][:] for row in rows.itertuples()]
table = pd.concat(tables, ignore_index=True)
figure = draw_filters(table, pictures, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
