"""Rule draw_spectra: log-log spectra by depth with their fits."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.spectra import draw_spectra, with_shares

job.start(snakemake.log[0])
style.apply()
eigenvalues = pd.concat(map(pd.read_csv, snakemake.input.eigenvalues), ignore_index=True)
exponents = pd.concat(map(pd.read_csv, snakemake.input.exponents), ignore_index=True)
eigenvalues = with_shares(eigenvalues, exponents)
figure = draw_spectra(eigenvalues, exponents, snakemake.params.cfg["study"])
style.save(figure, eigenvalues, snakemake.output)
