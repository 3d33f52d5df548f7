"""Rule import_checkpoint: foreign weights, checked against their architecture."""

from codespectra.files.manifests import file_digest
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build, build_with_weights
from codespectra.models.checkpoints import write_checkpoint
from codespectra.models.class_count import classes_of
from codespectra.models.hub import file_of_hub
from codespectra.models.identity import package_file
from codespectra.models.state_dicts import load_weights, read_state_dict

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
model = cfg["model"]
if model["weights"] == "own":
    network, known = build_with_weights(model["architecture"]), {}
else:
    known = {}
    if model["weights"] == "hub":
        source, known["commit"] = file_of_hub(cfg["repository"], cfg["revision"], cfg["file"])
    else:
        source = cfg.get("path") or package_file(cfg["package"], cfg["file"])
    where = {"key": cfg["key"], "strip_prefix": cfg["strip_prefix"]}
    state = read_state_dict(source, cfg["sha256"], **where)
    if model["classes"] is None:
        model = model | {"classes": classes_of(model["architecture"], state)}
    network = build(model["architecture"], model["classes"])
    load_weights(network, state, source)
    known["source_sha256"] = file_digest(source)
write_checkpoint(snakemake.output.checkpoint, network, model | known, metrics={})
