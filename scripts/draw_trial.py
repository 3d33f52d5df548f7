"""Rule draw_trial: one psychophysics trial a layer and method, with the answer."""

from codespectra.data.stimulus_file import images_by_index
from codespectra.figures import style
from codespectra.figures.psychophysics import draw_trial
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
shown = read_csv(snakemake.input.trial, "trial")
shown = shown[shown["metric"] == cfg["metric"]]
images = images_by_index(snakemake.input.stimuli, shown["image"])
figure = draw_trial(shown, images, cfg["study"], cfg["sides"])
style.save(figure, shown, snakemake.output)
