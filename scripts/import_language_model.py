"""Rule import_language_model: a folder's or the hub's language model, checked where it lies."""

from pathlib import Path

from codespectra import job, store
from codespectra.hub import folder_of_hub
from codespectra.language_models import load_network, load_tokenizer
from codespectra.model_folders import check_folder, describe_folder

log = job.start(snakemake.log[0])
cfg = snakemake.params.cfg
if cfg["weights"] == "hub":
    folder = folder_of_hub(cfg["repository"], cfg["revision"])
else:
    folder = Path(cfg["path"])
check_folder(folder)
network = load_network(folder, cfg["objective"])
load_tokenizer(folder)
log.info("%s: %s, %d weights", folder, type(network).__name__, network.num_parameters())
store.write_json(
    snakemake.output.manifest, dict(cfg) | {"metrics": {}} | describe_folder(folder, folder)
)
