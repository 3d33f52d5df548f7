"""Rule find_directions: one method's directions in every layer of a run."""

from pathlib import Path

from tqdm import tqdm

from codespectra import directions, job, store

log = job.start(snakemake.log[0])
cfg = snakemake.params.cfg
options = dict(cfg["options"])
method = options.pop("method")
find = getattr(directions, method)
dead = {}
with (
    store.open_hdf5(snakemake.input.data) as activations,
    store.create_hdf5(snakemake.output.data) as file,
):
    for layer in tqdm(cfg["layers"], desc=method, disable=None, leave=False):
        found = find(activations[f"{cfg['reduction']}/{layer}"][:].astype("float32"), **options)
        group = file.create_group(layer)
        group["vectors"], group["responses"] = found.vectors, found.responses
        dead[layer] = int(found.dead.sum())
        log.info("%s: %d directions, %d dead", layer, len(found.vectors), dead[layer])
captured = store.read_json(snakemake.input.manifest)
store.write_json(
    snakemake.output.manifest,
    {
        "file": Path(snakemake.output.data).name,
        "sha256": store.file_digest(snakemake.output.data),
        "method": method,
        "options": options,
        "dead": dead,
        "activations_sha256": captured["sha256"],
        "weights": captured["weights"],
        "stimulus_count": captured["count"],
    },
)
