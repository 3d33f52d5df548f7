"""Rule draw_psychophysics: accuracy in silico against difficulty, by method and metric."""

from codespectra import job
from codespectra.csv_tables import read_csv
from codespectra.figures import style
from codespectra.figures.psychophysics import draw_psychophysics
from codespectra.psychophysics import by_method
from codespectra.trial_design import Design

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
accuracy = by_method(read_csv(snakemake.input.accuracy, "psychophysics"))
figure = draw_psychophysics(accuracy, cfg["study"], Design.of(cfg))
style.save(figure, accuracy, snakemake.output)
