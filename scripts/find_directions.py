"""Rule find_directions: one method's directions in every layer of a run."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.capture.rows import Rows
from codespectra.directions import directions, finders
from codespectra.errors import UserError
from codespectra.files.kept_results import KeptResults
from codespectra.jobs.given_gpu import given_gpu
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.layer_selection import count_of

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
options = dict(cfg["options"])
method = options.pop("method")
if method in ("pca", "ica", "nmf", "kmeans_code"):
    # The others need no scikit-learn, which takes a second to import.
    from codespectra.directions import baselines

    find = getattr(baselines, method)
else:
    find = directions.neurons if method == "neurons" else getattr(finders, method)
if method in ("kmeans", "kmeans_identity"):
    wanted = snakemake.config["runtime"]["device"]
    find = partial(find, device=given_gpu(snakemake.resources, wanted))


def find_in(layer: str, activations: Rows) -> directions.Directions:
    """Directions of a layer; a complaint names it."""
    given = dict(options)
    if "k" in given:
        given["k"] = count_of(given["k"], activations.shape[1])
    try:
        return find(activations, **given)
    except UserError as error:
        where = f"{layer} of {cfg['model']} on {cfg['stimuli']}"
        raise UserError(f"{where}, directions.methods.{method}: {error}") from error


captured = read_layers(snakemake.input.manifests, cfg)
layers = layer_contents(captured)
kept = KeptResults(snakemake.output, snakemake.params, ["layers"], layers)
with open_captured(snakemake.input.data) as file:

    def found_in(layer: str) -> Iterator[tuple[str, directions.Directions]]:
        """Directions of the last run, or else found now; what of them is large is read."""
        if layer in kept.missing:
            yield layer, find_in(layer, file[f"{cfg['reduction']}/{layer}"])
            return
        with directions.opened_layer(kept.file("data"), layer) as found:
            yield layer, found

    directions.write_layers(
        snakemake.output.data,
        snakemake.output.manifest,
        chain.from_iterable(map(found_in, progress(layers, desc=method))),
        captured,
        method=method,
        options=options,
    )
kept.keep()
