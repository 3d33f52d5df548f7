"""Rule draw_text_spectra: log-log spectra of language models by depth with their fits."""

from codespectra.figures import style
from codespectra.figures.language import draw_text_spectra
from codespectra.figures.spectra import with_shares
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
eigenvalues = read_tables(snakemake.input.eigenvalues, "language_eigenvalues")
exponents = read_tables(snakemake.input.exponents, "language_exponents")
eigenvalues = with_shares(eigenvalues, exponents)
figure = draw_text_spectra(eigenvalues, exponents, snakemake.params.cfg["study"])
style.save(figure, eigenvalues, snakemake.output)
