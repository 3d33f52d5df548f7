"""Rule draw_dropout_spectra: spectra at the least and the most dropout, and their curvature."""

from codespectra.claims.sweep_columns import read_layers
from codespectra.figures import style
from codespectra.figures.coding import draw_dropout_spectra
from codespectra.figures.spectra import with_shares
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
eigenvalues = read_layers(snakemake.input.eigenvalues, "eigenvalues", cfg["networks"])
exponents = read_layers(snakemake.input.exponents, "exponents", cfg["networks"])
eigenvalues = with_shares(eigenvalues, exponents)
figure = draw_dropout_spectra(eigenvalues, exponents, cfg["study"])
style.save(figure, exponents, snakemake.output)  # the spectra have their own tables
