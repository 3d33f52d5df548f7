"""Rule draw_text_exponents: exponents of language models against depth."""

from codespectra import job
from codespectra.csv_tables import read_tables
from codespectra.figures import style
from codespectra.figures.language import draw_text_exponents

job.start(snakemake.log[0])
style.apply()
exponents = read_tables(snakemake.input.exponents, "language_exponents")
figure = draw_text_exponents(exponents, snakemake.params.cfg["study"])
style.save(figure, exponents, snakemake.output)
