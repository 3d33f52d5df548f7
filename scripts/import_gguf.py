"""Rule import_gguf: a GGUF file's language model, in the form of those trained here."""

from pathlib import Path

from codespectra.files.manifests import check_digest, file_digest, write_manifest
from codespectra.jobs.start import start_job
from codespectra.models.gguf_models import convert_gguf
from codespectra.models.identity import package_file
from codespectra.models.language_models import check_vocabulary, load_network, load_tokenizer
from codespectra.models.model_folders import describe_folder

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
source = cfg["path"] or package_file(cfg["package"], cfg["file"])
folder = Path(snakemake.output.checkpoint).parent
if cfg["sha256"] is not None:
    check_digest(source, cfg["sha256"])
convert_gguf(source, folder)
network = load_network(folder, "causal")
check_vocabulary(network, load_tokenizer(folder), source)
log.info("%s: %s, %d weights", source, type(network).__name__, network.num_parameters())
description = dict(cfg) | {"objective": "causal", "metrics": {}}
description |= {"source_sha256": file_digest(source)}
write_manifest(snakemake.output.manifest, description | describe_folder(folder, folder))
