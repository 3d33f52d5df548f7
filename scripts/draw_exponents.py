"""Rule draw_exponents: power-law exponents against depth."""

from codespectra.figures import style
from codespectra.figures.spectra import draw_exponents
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
exponents = read_tables(snakemake.input.exponents, "exponents")
figure = draw_exponents(exponents, snakemake.params.cfg["study"])
style.save(figure, exponents, snakemake.output)
