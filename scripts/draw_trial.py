"""Rule draw_trial: one psychophysics trial a layer and method, with the answer."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.psychophysics import draw_trial
from codespectra.stimuli import open_stimuli

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
shown = pd.read_csv(snakemake.input.trial)
shown = shown[shown["metric"] == cfg["metric"]]
with open_stimuli(snakemake.input.stimuli) as file:
    images = {int(index): file["images"][int(index)] for index in shown["image"].unique()}
figure = draw_trial(shown, images, cfg["study"], cfg["sides"])
style.save(figure, shown, snakemake.output)
