"""Rule download_checkpoint: torchvision's own weights, of the digest that their name says."""

from torchvision.models import get_model_weights

from codespectra.errors import UserError, nearest
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import write_checkpoint
from codespectra.models.state_dicts import load_weights, read_state_dict
from codespectra.models.torchvision_weights import weights_file

start_job(snakemake.log[0])
model, tag = snakemake.params.cfg["model"], snakemake.params.cfg["tag"]
known = get_model_weights(model["architecture"]["model"]).__members__
if tag not in known:
    raise UserError(f"models.{model['name']}.tag: {tag!r} is unknown; {nearest(tag, known)}")
file = weights_file(known[tag].url)
network = build(model["architecture"], model["classes"])
load_weights(network, read_state_dict(file), file)
write_checkpoint(snakemake.output.checkpoint, network, model | {"tag": tag}, metrics={})
