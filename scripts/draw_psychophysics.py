"""Rule draw_psychophysics: accuracy in silico against difficulty, by method and metric."""

from codespectra.experiments.psychophysics import by_method
from codespectra.experiments.trial_design import Design
from codespectra.figures import style
from codespectra.figures.psychophysics import draw_psychophysics
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
accuracy = by_method(read_csv(snakemake.input.accuracy, "psychophysics"))
figure = draw_psychophysics(accuracy, cfg["study"], Design.of(cfg))
style.save(figure, accuracy, snakemake.output)
