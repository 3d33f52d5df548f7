"""Rule draw_text_action: action and roughness of token trajectories against depth."""

from codespectra.figures import style
from codespectra.figures.language import draw_text_action
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
action = read_tables(snakemake.input.action, "language_action")
figure = draw_text_action(action, snakemake.params.cfg["study"])
style.save(figure, action, snakemake.output)
