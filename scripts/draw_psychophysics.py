"""Rule draw_psychophysics: accuracy in silico against difficulty, by method and metric."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.psychophysics import draw_psychophysics
from codespectra.psychophysics import by_method
from codespectra.trial_design import Design

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
accuracy = by_method(pd.read_csv(snakemake.input.accuracy))
figure = draw_psychophysics(accuracy, cfg["study"], Design.of(cfg))
style.save(figure, accuracy, snakemake.output)
