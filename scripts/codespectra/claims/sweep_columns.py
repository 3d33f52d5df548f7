"""Columns that say which network of the dropout sweep, and which part of it, a layer belongs to."""

import pandas as pd

from codespectra.errors import UserError, nearest

ENCODER = "resnet."  # prefix of the encoder's layers


def with_networks(table: pd.DataFrame, networks: dict[str, dict]) -> pd.DataFrame:
    """A copy of a table of layers with the columns dropout, seed, statistics and part.

    Args:
        table: a row a layer, with the columns model and layer.
        networks: model -> {"dropout": float, "seed": int, "statistics": "as_trained" or
            "recalibrated"}. `part` is "encoder" or "FC and decoder", by the layer's name.

    Raises:
        UserError: a model of the table is no network of the study.
    """
    for model in table["model"].unique():
        if model not in networks:
            raise UserError(f"no network {model!r} in this study: {nearest(model, networks)}")
    columns = {
        key: table["model"].map({model: network[key] for model, network in networks.items()})
        for key in ("dropout", "seed", "statistics")
    }
    inside = table["layer"].str.startswith(ENCODER)
    return table.assign(**columns, part=inside.map({True: "encoder", False: "FC and decoder"}))
