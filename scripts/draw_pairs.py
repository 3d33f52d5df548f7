"""Rule draw_pairs: most exciting images of the pairs of units with the highest synergy."""

from codespectra.data.stimulus_file import images_by_index
from codespectra.figures import style
from codespectra.figures.synergy import draw_pairs
from codespectra.files.csv_tables import read_csv
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
table = read_csv(snakemake.input.table, "synergy_images")
shown = table[table["metric"] == cfg["metric"]]
images = images_by_index(snakemake.input.stimuli, shown["image"])
style.save(draw_pairs(shown, images, cfg["study"]), shown, snakemake.output)
