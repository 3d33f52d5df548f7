"""Measures of layers that can't have them: a row each that says why."""

import numpy as np
import pytest

from codespectra.interpretability.similarity import Color
from codespectra.zoo.measures import MEASURES, Groups, Scorer

COUNT = 60
CFG = {
    "exponent": {
        **{"ranks": [2, 12], "solver": "exact", "components": 100, "resamples": 20, "seed": 0},
        **{"reduction": "spatial_mean", "resampled": "stimuli"},
    },
    "ii": {"m": 3, "normalisation": "pairs", "resamples": 20, "seed": 0, "resampled": "stimuli"},
    "mis": {
        **{"references": 3, "trials": 4, "slope": 1.0, "resamples": 20, "seed": 0},
        "resampled": "stimuli",
    },
}
MAPS = {"name": "relu", "type": "ReLU", "shape": (8, 4, 4), "axes": "NCHW", "prefix": None}
RNG = np.random.default_rng(0)
ROWS = {
    "zeros": np.zeros((COUNT, 8), np.float32),
    "constants": np.tile(RNG.random(8, np.float32), (COUNT, 1)),
    "one live unit": np.eye(1, 8, dtype=np.float32) * RNG.random((COUNT, 1), np.float32),
    "live": RNG.random((COUNT, 8), np.float32),
}


def measured(rows: np.ndarray, name: str, layer: dict = MAPS) -> list[dict]:
    groups = Groups.of(CFG, "unused.h5", COUNT)
    similarities = [Color(RNG.random((COUNT, 3)))]
    return Scorer({"spatial_mean/relu": rows}, CFG, groups, similarities).measure(name, layer)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("what", ROWS)
def test_a_layer_without_a_measure_says_why(what: str, name: str) -> None:
    (row,) = measured(ROWS[what], name)
    known = what == "live" or (what == "one live unit" and name == "mis")
    assert np.isfinite(row["value"]) == known
    assert bool(row["note"]) or known


def test_a_reduction_that_does_not_fit_is_told() -> None:
    tokens = MAPS | {"shape": (17, 8), "axes": "NTC", "prefix": 1}
    (row,) = measured(ROWS["live"], "exponent", tokens)
    assert "relu: spatial_mean doesn't fit" in row["note"] and np.isnan(row["value"])
