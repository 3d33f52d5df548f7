"""Rule download_checkpoint: torchvision's own weights, checked by torchvision's hash."""

from urllib.error import URLError

from torchvision.models import get_model_weights

from codespectra.errors import UserError, nearest
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import load_weights, write_checkpoint

start_job(snakemake.log[0])
model, tag = snakemake.params.cfg["model"], snakemake.params.cfg["tag"]
name = model["architecture"]["model"]
known = get_model_weights(name).__members__
if tag not in known:
    raise UserError(f"models.{model['name']}.tag: {tag!r} is unknown; {nearest(tag, known)}")
weights = known[tag]
try:
    state = weights.get_state_dict(progress=False, check_hash=True)
except (URLError, OSError) as error:
    raise UserError(
        f"models.{model['name']}: torchvision can't download {weights.url} ({error}); fetch that "
        "file where there is a network, and give it as weights: path"
    ) from error
network = build(model["architecture"], model["classes"])
load_weights(network, state, weights.url)
write_checkpoint(snakemake.output.checkpoint, network, model | {"tag": tag}, metrics={})
