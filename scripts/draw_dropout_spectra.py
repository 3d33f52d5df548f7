"""Rule draw_dropout_spectra: spectra at the least and the most dropout, and their curvature."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.coding import draw_dropout_spectra
from codespectra.networks import with_networks

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
eigenvalues = pd.concat(map(pd.read_csv, snakemake.input.eigenvalues), ignore_index=True)
exponents = pd.concat(map(pd.read_csv, snakemake.input.exponents), ignore_index=True)
keys = ["model", "stimuli", "layer", "depth"]
eigenvalues = eigenvalues.merge(exponents[[*keys, "total_variance"]], on=keys)
eigenvalues["share"] = eigenvalues["eigenvalue"] / eigenvalues["total_variance"]
eigenvalues, exponents = (with_networks(t, cfg["networks"]) for t in (eigenvalues, exponents))
figure = draw_dropout_spectra(eigenvalues, exponents, cfg["study"])
style.save(figure, exponents, snakemake.output)  # the spectra have their own tables
