"""Information that deep dropout networks keep of their input, from a table of bits.

The table of an estimator has a row for each kind of network, seed and hidden layer: kind, seed,
layer, bits, diverged. Runs that diverged have nan bits; they are left out of means, and counted.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codespectra.statistics.intervals import mean_interval

TRAINED_WITH, TRAINED_WITHOUT, UNTRAINED = "with dropout", "without dropout", "untrained"
KINDS = (TRAINED_WITH, TRAINED_WITHOUT, UNTRAINED)
# Estimators. From two thirds of its ceiling on, InfoNCE of the best critic is half a bit short of
# the information of Gaussians, and more (N = 16, 64 and 128): there the ceiling binds.
MINE, INFO_NCE = "MINE", "InfoNCE"
NEAR_CEILING = 2 / 3

FLOOR = 0.05  # bits; below it the estimates are noise and have no logarithm to speak of
FEWEST_LAYERS = 3  # for a rate


def kept_beyond(table: pd.DataFrame, baseline: str) -> NDArray[np.float64]:
    """Bits at the last layer of networks trained with dropout less `baseline`'s, for each seed."""
    last = table[table["layer"] == table["layer"].max()]
    bits = last.pivot(index="seed", columns="kind", values="bits")
    return (bits[TRAINED_WITH] - bits[baseline]).to_numpy()


def decay_rates(table: pd.DataFrame, kind: str = UNTRAINED) -> NDArray[np.float64]:
    """Slope of ln(bits) over layers for each seed: bits fall as exp(rate * layer).

    Least squares over the layers before the first one at or below `FLOOR`; nan for fewer than
    `FEWEST_LAYERS`.
    """
    runs = table[table["kind"] == kind].sort_values("layer").groupby("seed")
    return np.array([_slope(run["layer"], run["bits"]) for _, run in runs])


def _slope(layers: pd.Series, bits: pd.Series) -> float:
    before = np.logical_and.accumulate(~(bits <= FLOOR)) & bits.notna()
    if before.sum() < FEWEST_LAYERS:
        return float("nan")
    return float(np.polyfit(layers[before], np.log(bits[before]), 1)[0])


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each kind and layer: median and mean bits over seeds, Student's 95 % interval of
    the mean, and counts.

    Returns:
        kind, layer, median, bits, low, high, seeds, diverged (the share of seeds that did).
    """
    rows = []
    for (kind, layer), runs in table.groupby(["kind", "layer"], sort=False):
        bits, low, high = mean_interval(runs["bits"])
        counts = {"seeds": len(runs), "diverged": runs["diverged"].mean()}
        center = {"median": runs["bits"].median(), "bits": bits, "low": low, "high": high}
        rows.append({"kind": kind, "layer": layer} | center | counts)
    return pd.DataFrame(rows)
