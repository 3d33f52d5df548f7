"""Rule draw_agreement: ROC curves and AUC of in-silico choices for those of people."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.agreement import draw_agreement
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
agreement = read_csv(snakemake.input.agreement, "agreement")
curves = read_csv(snakemake.input.curves, "agreement_curves")
figure = draw_agreement(agreement, curves, snakemake.params.cfg["study"])
drawn = pd.concat([agreement.assign(table="agreement"), curves.assign(table="curves")])
style.save(figure, drawn, snakemake.output)
