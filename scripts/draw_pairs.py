"""Rule draw_pairs: most exciting images of the pairs of units with the highest synergy."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.synergy import draw_pairs
from codespectra.stimuli import open_stimuli

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = pd.read_csv(snakemake.input.table)
shown = table[table["metric"] == cfg["metric"]]
with open_stimuli(snakemake.input.stimuli) as file:
    images = {int(index): file["images"][int(index)] for index in shown["image"].unique()}
style.save(draw_pairs(shown, images, cfg["study"]), shown, snakemake.output)
