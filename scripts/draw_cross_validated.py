"""Rule draw_cross_validated: plain and cross-validated spectra and exponents."""

from codespectra.claims.sweep_columns import read_layers
from codespectra.figures import style
from codespectra.figures.coding import draw_cross_validated
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
eigenvalues = read_layers(snakemake.input.eigenvalues, "crossed_eigenvalues", cfg["networks"])
exponents = read_layers(snakemake.input.exponents, "crossed_exponents", cfg["networks"])
figure = draw_cross_validated(eigenvalues, exponents, cfg["study"])
style.save(figure, exponents, snakemake.output)  # the spectra have their own tables
