"""One psychophysics trial a layer and method, image by image (B fig. 12)."""

import numpy as np
import pandas as pd

from codespectra.experiments.psychophysics import LayerDirections, Trials, preference
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.ranking import top_stimuli

SIDES = ("positive", "negative")
KEYS = ["layer", "method", "metric", "direction", "difficulty"]
SHOWN = ["role", "image", "to_positive", "to_negative", "chosen"]


def example_trials(
    accuracy: pd.DataFrame, right: np.ndarray, trials: Trials, similarity: Similarity, pool: str
) -> pd.DataFrame:
    """The first counted trial, at the first difficulty, of each method's median direction.

    That is the direction whose accuracy is the (lower) median, of several the lowest one.

    Args:
        accuracy, right, trials: `accuracy_table`, `answer` and `lay_out` of the same K.
        similarity, pool: as they were answered.

    Returns:
        layer, method, metric, direction, difficulty, role, image; of the two queries also the
        similarity to the references of either side, and chosen: 1, or 0.5 if both are as like.
    """
    first = accuracy["difficulty"].isin(accuracy["difficulty"].iloc[:1])
    asked, tables = accuracy[first].dropna(subset="accuracy"), []
    for _, rows in asked.groupby(["layer", "method"], sort=False):
        middle = rows["accuracy"].sort_values().iloc[(len(rows) - 1) // 2]
        median = rows[rows["accuracy"] == middle].iloc[0]
        row, trial = median.name, int(trials.counted[median.name].argmax())
        shown = _shown(trials.references[row], trials.queries[row, :, trial], similarity, pool)
        is_query = shown["role"].str.endswith("query")
        shown.loc[is_query, "chosen"] = [right[row, trial], 1 - right[row, trial]]
        tables.append(shown.assign(**median[KEYS])[[*KEYS, *SHOWN]])
    if not tables:
        return pd.DataFrame(columns=[*KEYS, *SHOWN])
    return pd.concat(tables, ignore_index=True)


def _shown(
    references: np.ndarray, queries: np.ndarray, similarity: Similarity, pool: str
) -> pd.DataFrame:
    """Role and image, references (2, R) before queries (2,); of these `to_positive` and so on."""
    tables = [
        pd.DataFrame({"role": f"{name} reference", "image": own})
        for name, own in zip(SIDES, references, strict=True)
    ]
    tables.append(pd.DataFrame({"role": [f"{name} query" for name in SIDES], "image": queries}))
    for name, own in zip(SIDES, references, strict=True):
        both = np.stack([own, own])[:, None]
        tables[-1][f"to_{name}"] = preference(similarity, queries, both, pool)
    return pd.concat(tables, ignore_index=True)


def with_responses(examples: pd.DataFrame, found: LayerDirections) -> pd.DataFrame:
    """Add each image's response, and its rank among all stimuli (1 is the strongest).

    Args:
        examples: `example_trials`.
        found: directions by layer and method.
    """
    tables = []
    for (layer, method, direction), rows in examples.groupby(KEYS[:2] + KEYS[3:4], sort=False):
        responses = found[layer][method].responses[:, [direction]]
        ranks = np.argsort(top_stimuli(responses, len(responses))[0]) + 1
        own = rows["image"].to_numpy()
        tables.append(rows.assign(rank=ranks[own], response=responses[own, 0]))
    if not tables:
        return examples.assign(rank=[], response=[])
    return pd.concat(tables).sort_index()
