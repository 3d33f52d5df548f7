"""Rule draw_text_exponents: exponents of language models against depth."""

from codespectra.figures import style
from codespectra.figures.language import draw_text_exponents
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
exponents = read_tables(snakemake.input.exponents, "language_exponents")
figure = draw_text_exponents(exponents, snakemake.params.cfg["study"])
style.save(figure, exponents, snakemake.output)
