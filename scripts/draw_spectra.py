"""Rule draw_spectra: log-log spectra by depth with their fits."""

from codespectra import job
from codespectra.csv_tables import read_tables
from codespectra.figures import style
from codespectra.figures.spectra import draw_spectra, with_shares

job.start(snakemake.log[0])
style.apply()
eigenvalues = read_tables(snakemake.input.eigenvalues, "eigenvalues")
exponents = read_tables(snakemake.input.exponents, "exponents")
eigenvalues = with_shares(eigenvalues, exponents)
figure = draw_spectra(eigenvalues, exponents, snakemake.params.cfg["study"])
style.save(figure, eigenvalues, snakemake.output)
