"""Rule draw_text_exponents: exponents of language models against depth."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.language import draw_text_exponents

job.start(snakemake.log[0])
style.apply()
exponents = pd.concat(map(pd.read_csv, snakemake.input.exponents), ignore_index=True)
figure = draw_text_exponents(exponents, snakemake.params.cfg["study"])
style.save(figure, exponents, snakemake.output)
