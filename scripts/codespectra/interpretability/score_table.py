"""Tables of scores, whose first columns are the model, its stimuli and the index' settings."""

from typing import Any

import pandas as pd

from codespectra.files.csv_writer import write_csv


def write_scores(
    path: str, table: pd.DataFrame, cfg: dict[str, Any], manifest: dict[str, Any]
) -> None:
    """Write a table of scores, led by columns of the model, its weights, stimuli and index.

    Args:
        path: ends in .csv.
        table: one observation a row.
        cfg: of the stage: model, stimuli, reduction, m, normalisation.
        manifest: of the activations or directions: weights, stimulus count.
    """
    count = manifest["stimulus_count"] if "stimulus_count" in manifest else manifest["count"]
    context = {
        "model": cfg["model"],
        "weights": manifest["weights"],
        "stimuli": cfg["stimuli"],
        "reduction": cfg["reduction"],
        "stimulus_count": count,
        "m": cfg["m"],
        "normalisation": cfg["normalisation"],
    }
    write_csv(path, table.assign(**context)[[*context, *table.columns]])
