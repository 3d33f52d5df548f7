"""Rule make_stimuli: a stimulus set as HDF5, with its manifest."""

from codespectra import job
from codespectra.stimuli import make_stimuli, write_stimuli

job.start(snakemake.log[0])
cfg = snakemake.params.cfg
spec = dict(cfg)
if spec["source"].startswith("cifar"):
    # Runtime: whether to fetch changes no image, so it is no param.
    spec["download"] = snakemake.config["stimuli"][cfg["name"]].get("download", False)
write_stimuli(snakemake.output.data, cfg["name"], make_stimuli(spec))
