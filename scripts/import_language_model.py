"""Rule import_language_model: a folder's or the hub's language model, checked where it lies."""

from pathlib import Path

from codespectra.files.manifests import write_manifest
from codespectra.jobs.start import start_job
from codespectra.models.hub import folder_of_hub
from codespectra.models.language_models import check_vocabulary, load_network, load_tokenizer
from codespectra.models.model_folders import check_folder, describe_folder

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
if cfg["weights"] == "hub":
    folder = folder_of_hub(cfg["repository"], cfg["revision"])
else:
    folder = Path(cfg["path"])
check_folder(folder)
network = load_network(folder, cfg["objective"])
check_vocabulary(network, load_tokenizer(folder), folder)
log.info("%s: %s, %d weights", folder, type(network).__name__, network.num_parameters())
write_manifest(
    snakemake.output.manifest, dict(cfg) | {"metrics": {}} | describe_folder(folder, folder)
)
