"""Tables of scores, whose first columns are the model, its stimuli and the index' settings."""

from typing import Any

import pandas as pd

from codespectra.files.csv_writer import write_csv


def score_context(cfg: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """The first columns of a table of scores: the model, its weights, stimuli and index.

    Args:
        cfg: of the stage: model, stimuli, reduction, m, normalisation.
        manifest: of the activations or directions: weights, stimulus count.
    """
    return {
        "model": cfg["model"],
        "weights": manifest["weights"],
        "stimuli": cfg["stimuli"],
        "reduction": cfg["reduction"],
        "stimulus_count": manifest.get("stimulus_count") or manifest["count"],
        "m": cfg["m"],
        "normalisation": cfg["normalisation"],
    }


def write_scores(
    path: str, table: pd.DataFrame, cfg: dict[str, Any], manifest: dict[str, Any]
) -> None:
    """Write a table of scores, one observation a row, led by its `score_context`."""
    context = score_context(cfg, manifest)
    write_csv(path, table.assign(**context)[[*context, *table.columns]])
