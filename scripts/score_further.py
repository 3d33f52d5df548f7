"""Rule score_further: MIS, monosemanticity, clarity and more of every direction, each metric."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

import numpy as np
import pandas as pd

from codespectra.directions.directions import read_layer
from codespectra.errors import UserError
from codespectra.experiments.further_options import GROUPS, Options, too_few_images
from codespectra.experiments.further_scores import (
    Metric,
    Parts,
    means_table,
    moments_table,
    score_directions,
    score_table,
)
from codespectra.files.csv_tables import read_csv
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.all_pairs import AllPairs, pairs_fit, pairwise, rows_fit
from codespectra.interpretability.cosines import HeldCosines, ReadCosines, squared_lengths
from codespectra.interpretability.index_resampled import image_groups
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import (
    METRICS,
    Embedding,
    Similarity,
    metric_digests,
    read_similarities,
)
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.statistics.subsamples import random_groups

log = start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
options = Options.of(cfg)
manifests = dict(zip(cfg["methods"], map(read_manifest, given.directions_manifests), strict=True))
manifest = manifests[cfg["methods"][0]]
count = manifest["stimulus_count"]
if cfg["resampled"] == "classes":
    groups = np.unique(image_groups("classes", given.stimuli, count), return_inverse=True)[1]
else:
    groups = random_groups(count, GROUPS, cfg["seed"])
images = Parts.of(groups, options)
if lines := too_few_images(options, cfg["stimuli"], images.smallest):
    raise UserError("\n".join(lines))
paths = dict(zip(cfg["methods"], given.directions, strict=True))
scores = read_csv(given.scores, "scores")
keys = ["layer", "method", "metric"]
signs = {
    key: rows.sort_values("direction")["sign"].to_numpy()
    for key, rows in scores[scores["part"] == ALL].groupby(keys)
}
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", "methods", *METRICS),
    {
        (layer, method, metric): [
            *(manifests[method]["digests"][layer], metrics[metric]),
            signs[layer, method, metric].tolist(),
        ]
        for layer in cfg["layers"]
        for method in cfg["methods"]
        for metric in metrics
    },
)


@contextmanager
def opened(name: str) -> Iterator[Metric]:
    """A metric: embeddings with all their pairs held, or their rows, or read when asked about."""

    def similarity(images: list[np.ndarray] | None = None) -> Similarity:
        return read_similarities(given.stimuli, given.embeddings, cfg, images, {name})[0]

    if name not in cfg["backbones"]:
        whole = similarity()
        yield Metric(name, lambda images: whole)
        return
    with open_hdf5(given.embeddings[cfg["backbones"].index(name)]) as file:
        tables = {part: file[part] for part in file.attrs["parts"]}
        lengths = squared_lengths(tables, name)
        if pairs_fit(tables):
            distances = pairwise(tables)
            pairs = AllPairs(name, -distances)
            yield Metric(name, lambda images: pairs, HeldCosines(distances, lengths))
        elif rows_fit(tables):
            tables = {part: table[:] for part, table in tables.items()}
            embedding = Embedding(name, tables)
            yield Metric(name, lambda images: embedding, ReadCosines(tables, lengths))
        else:
            yield Metric(name, similarity, ReadCosines(tables, lengths))


def score(layer: str, method: str, metrics: list[Metric]) -> None:
    """Add the scores of a method's directions in a layer, their moments, and their means."""
    found = read_layer(paths[method], layer)
    own_signs = {metric.name: signs[layer, method, metric.name] for metric in metrics}
    for name, own in score_directions(found, own_signs, metrics, images, options).items():
        where = {"layer": layer, "method": method, "metric": name}
        table, moments = score_table(own, found, options, images.count), moments_table(own)
        means = means_table(table, moments, images.count)
        log.info("%s, %s, %s: %s", layer, method, name, counts_of(table))
        kept.add(
            (layer, method, name),
            scores=table.assign(**where),
            resampled=moments.assign(**where),
            means=means.assign(**where),
        )


def counts_of(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many directions are live, rare or dead, by score."""
    counts = table.groupby("score", sort=False)["state"].value_counts(sort=False)
    return counts.unstack(fill_value=0).to_dict("index")


missing = by_group(kept.missing)
with ExitStack() as stack:
    wanted = [name for name in metrics if name in set(chain(*missing.values()))]
    ready = [stack.enter_context(opened(name)) for name in wanted]
    for (layer, method), names in progress(missing.items()):
        score(layer, method, [metric for metric in ready if metric.name in names])
context = {
    "model": cfg["model"],
    "weights": manifest["weights"],
    "stimuli": cfg["stimuli"],
    "reduction": cfg["reduction"],
    "stimulus_count": count,
    "resampled": "classes" if cfg["resampled"] == "classes" else "random groups",
    "image_groups": images.count,
}
kept.write(dict.fromkeys(kept.items, context))
kept.keep()
