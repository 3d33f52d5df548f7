"""Rule make_text: documents as HDF5, split into train and test, with their manifest."""

from codespectra.data.documents import write_text
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
write_text(snakemake.output.data, snakemake.params.cfg)
