"""Rule read_published: published explanations of neurons, scored again."""

from codespectra.explanations.published import DIFFERS, largest_difference, read_published
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
table = read_published(snakemake.params.cfg["folder"])
log.info("%d explanations in %d layers", len(table), table["layer_index"].nunique())
log.info("stored and recomputed scores differ by at most %.3g", largest_difference(table))
differing = int((table["note"] == DIFFERS).sum())
if differing:
    log.warning("%d of the stored scores aren't those of their excerpts", differing)
write_csv(snakemake.output.scores, table)
