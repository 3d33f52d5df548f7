"""Rule make_text: documents as HDF5, split into train and test, with their manifest."""

from codespectra import job
from codespectra.texts import write_text

job.start(snakemake.log[0])
write_text(snakemake.output.data, snakemake.params.cfg)
