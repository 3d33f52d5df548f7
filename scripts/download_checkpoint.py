"""Rule download_checkpoint: torchvision's own weights, of the digest that their name says."""

from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import write_checkpoint
from codespectra.models.libraries import torchvision_weights
from codespectra.models.state_dicts import load_weights, read_state_dict
from codespectra.models.torchvision_weights import weights_file

start_job(snakemake.log[0])
model, tag = snakemake.params.cfg["model"], snakemake.params.cfg["tag"]
file = weights_file(torchvision_weights(model["architecture"]["model"], tag).url)
network = build(model["architecture"], model["classes"])
load_weights(network, read_state_dict(file), file)
write_checkpoint(snakemake.output.checkpoint, network, model | {"tag": tag}, metrics={})
