"""Rule draw_pairs: most exciting images of the pairs of units with the highest synergy."""

from codespectra import job
from codespectra.csv_tables import read_csv
from codespectra.figures import style
from codespectra.figures.synergy import draw_pairs
from codespectra.stimuli import images_by_index

job.start(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "synergy_images")
shown = table[table["metric"] == cfg["metric"]]
images = images_by_index(snakemake.input.stimuli, shown["image"])
style.save(draw_pairs(shown, images, cfg["study"]), shown, snakemake.output)
