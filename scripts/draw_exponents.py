"""Rule draw_exponents: power-law exponents against depth."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.spectra import draw_exponents

job.start(snakemake.log[0])
style.apply()
exponents = pd.concat(map(pd.read_csv, snakemake.input.exponents), ignore_index=True)
figure = draw_exponents(exponents, snakemake.params.cfg["study"])
style.save(figure, exponents, snakemake.output)
