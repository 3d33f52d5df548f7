"""Rule score_interpretability: the II of every direction, with every metric."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra import job, similarity, store
from codespectra.directions import Directions
from codespectra.interpretability import index_table, most_exciting
from codespectra.stimuli import open_stimuli

job.start(snakemake.log[0])
cfg = snakemake.params.cfg
Sets = dict[tuple[str, str], np.ndarray]
Scores = dict[tuple[str, str], np.ndarray]


def sets_of_directions() -> tuple[Sets, Sets]:
    """Most exciting images and dead flags by (layer, method)."""
    sets, dead = {}, {}
    for method, path in zip(cfg["methods"], snakemake.input.directions, strict=True):
        with store.open_hdf5(path) as file:
            for layer in cfg["layers"]:
                group = file[layer]
                found = Directions(group["vectors"][:], group["responses"][:])
                sets[layer, method] = most_exciting(found, cfg["m"])
                dead[layer, method] = found.dead
    return sets, dead


def scored(sets: Sets) -> Iterator[tuple[str, str, float, Scores]]:
    """Metric, its part, an image's similarity with itself, and the mean over pairs of each set."""
    with open_stimuli(snakemake.input.stimuli) as file:
        if cfg["color"]:
            color = similarity.mean_color(file["images"][:])
            scores = {key: similarity.color_similarity(color, rows) for key, rows in sets.items()}
            yield "color", "all", 0.0, scores
        if cfg["label"]:
            labels = file["labels"][:]
            scores = {key: similarity.label_similarity(labels, rows) for key, rows in sets.items()}
            yield "label", "all", 1.0, scores
    for name, path in zip(cfg["backbones"], snakemake.input.embeddings, strict=True):
        total: Scores = {key: np.zeros(len(rows)) for key, rows in sets.items()}
        with store.open_hdf5(path) as file:
            for part in sorted(key for key in file):
                table = file[part][:]
                scores = {
                    key: similarity.embedding_similarity(table, rows) for key, rows in sets.items()
                }
                total = {key: total[key] + scores[key] for key in sets}
                yield name, part, 0.0, scores
        yield name, "all", 0.0, total


sets, dead = sets_of_directions()
tables = []
for metric, part, self_similarity, scores in scored(sets):
    for (layer, method), values in scores.items():
        table = index_table(
            values,
            dead[layer, method],
            m=cfg["m"],
            normalisation=cfg["normalisation"],
            self_similarity=self_similarity,
        )
        tables.append(table.assign(layer=layer, method=method, metric=metric, part=part))
table = pd.concat(tables, ignore_index=True)
manifest = store.read_json(snakemake.input.directions_manifests[0])
context = {
    "model": cfg["model"],
    "weights": manifest["weights"],
    "stimuli": cfg["stimuli"],
    "stimulus_count": manifest["stimulus_count"],
    "m": cfg["m"],
    "normalisation": cfg["normalisation"],
}
for place, (column, value) in enumerate(context.items()):
    table.insert(place, column, value)
store.write_csv(snakemake.output.scores, table)
