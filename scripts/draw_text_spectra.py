"""Rule draw_text_spectra: log-log spectra of language models by depth with their fits."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.language import draw_text_spectra

job.start(snakemake.log[0])
style.apply()
eigenvalues = pd.concat(map(pd.read_csv, snakemake.input.eigenvalues), ignore_index=True)
exponents = pd.concat(map(pd.read_csv, snakemake.input.exponents), ignore_index=True)
keys = ["model", "part", "layer", "depth"]
eigenvalues = eigenvalues.merge(exponents[[*keys, "total_variance"]], on=keys)
eigenvalues["share"] = eigenvalues["eigenvalue"] / eigenvalues["total_variance"]
figure = draw_text_spectra(eigenvalues, exponents, snakemake.params.cfg["study"])
style.save(figure, eigenvalues, snakemake.output)
