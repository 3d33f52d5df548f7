"""Rule make_stimuli: a stimulus set as HDF5, with its manifest."""

from codespectra.data.stimuli import make_stimuli, write_stimuli
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
spec = dict(cfg)
if spec["source"].startswith("cifar"):
    # Runtime: whether to fetch changes no image, so it is no param.
    spec["download"] = snakemake.config["stimuli"][cfg["name"]].get("download", False)
write_stimuli(snakemake.output.data, cfg["name"], make_stimuli(spec))
