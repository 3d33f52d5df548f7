"""Rule make_stimuli: a stimulus set as HDF5, with its manifest."""

from codespectra.data.stimuli import make_stimuli, write_stimuli
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
spec = dict(cfg)
# Runtime: whether to fetch, or to refuse, changes no image.
section = snakemake.config["stimuli"][cfg["name"]]
spec |= {key: section[key] for key in ("download", "max_pixels") if key in section}
write_stimuli(snakemake.output.data, cfg["name"], make_stimuli(spec))
