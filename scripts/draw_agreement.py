"""Rule draw_agreement: ROC curves and AUC of in-silico choices for those of people."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.agreement import draw_agreement

job.start(snakemake.log[0])
style.apply()
agreement = pd.read_csv(snakemake.input.agreement)
curves = pd.read_csv(snakemake.input.curves)
figure = draw_agreement(agreement, curves, snakemake.params.cfg["study"])
drawn = pd.concat([agreement.assign(table="agreement"), curves.assign(table="curves")])
style.save(figure, drawn, snakemake.output)
