"""Rule draw_spectra: log-log spectra by depth with their fits."""

from codespectra.figures import style
from codespectra.figures.spectra import draw_spectra, with_shares
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
eigenvalues = read_tables(snakemake.input.eigenvalues, "eigenvalues")
exponents = read_tables(snakemake.input.exponents, "exponents")
eigenvalues = with_shares(eigenvalues, exponents)
figure = draw_spectra(eigenvalues, exponents, snakemake.params.cfg["study"])
style.save(figure, eigenvalues, snakemake.output)
