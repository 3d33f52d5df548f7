"""Rule draw_cross_validated: plain and cross-validated spectra and exponents."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.coding import draw_cross_validated
from codespectra.networks import with_networks

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
eigenvalues, exponents = (
    with_networks(pd.concat(map(pd.read_csv, paths), ignore_index=True), cfg["networks"])
    for paths in (snakemake.input.eigenvalues, snakemake.input.exponents)
)
figure = draw_cross_validated(eigenvalues, exponents, cfg["study"])
style.save(figure, exponents, snakemake.output)  # the spectra have their own tables
