"""Rule draw_exciting_images: most exciting images of directions at five quantiles of II."""

import numpy as np
import pandas as pd

from codespectra.data.stimulus_file import images_by_index
from codespectra.figures import style
from codespectra.figures.index import at_quantiles, draw_exciting_images
from codespectra.files.csv_tables import read_csv
from codespectra.files.hdf5_files import open_hdf5
from codespectra.jobs.start import start_job
from codespectra.statistics.ranking import top_stimuli

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
scores = read_csv(snakemake.input.scores, "scores")
scores = scores[(scores["metric"] == cfg["metric"]) & (scores["part"] == "all")]
tables = []
for method, path in zip(cfg["methods"], snakemake.input.directions, strict=True):
    with open_hdf5(path) as file:
        for layer, rows in scores[scores["method"] == method].groupby("layer", sort=False):
            for _, direction in at_quantiles(rows).iterrows():
                responses = file[layer]["responses"][:, int(direction["direction"])]
                top = top_stimuli(direction["sign"] * responses[:, None], cfg["m"])[0]
                table = pd.DataFrame({"rank": np.arange(1, len(top) + 1), "image": top})
                tables.append(table.assign(**direction))
chosen = pd.concat(tables, ignore_index=True)
images = images_by_index(snakemake.input.stimuli, chosen["image"])
figure = draw_exciting_images(chosen, images, cfg["study"], cfg["metric"])
style.save(figure, chosen, snakemake.output)
