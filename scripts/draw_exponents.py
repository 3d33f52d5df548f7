"""Rule draw_exponents: power-law exponents against depth."""

from codespectra import job
from codespectra.csv_tables import read_tables
from codespectra.figures import style
from codespectra.figures.spectra import draw_exponents

job.start(snakemake.log[0])
style.apply()
exponents = read_tables(snakemake.input.exponents, "exponents")
figure = draw_exponents(exponents, snakemake.params.cfg["study"])
style.save(figure, exponents, snakemake.output)
