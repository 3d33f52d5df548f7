"""Rule draw_controls: gains of K-Means and of the controls over the neurons, all analysis runs."""

from codespectra.figures import style
from codespectra.figures.controls import draw_controls
from codespectra.files.csv_tables import read_tables
from codespectra.interpretability.index_means import gains
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
scores, resampled = (read_tables(snakemake.input[name], name) for name in ("scores", "resampled"))
table = gains(scores, resampled)
figure = draw_controls(table, snakemake.params.cfg["study"])
style.save(figure, table, snakemake.output)
