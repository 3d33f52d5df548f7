"""The figure of how scores agree: which directions, which pairs, and what can't be told."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from codespectra.figures.further_scores import draw_score_agreement

CFG = {"study": "study", "metric": "backbone", "resamples": 100, "seed": 0}
HEAD = {
    **{"model": "net", "weights": "train", "stimuli": "tiles", "reduction": "spatial_mean"},
    **{"stimulus_count": 99, "m": 5},
}
COUNTS = {"neurons": 40, "kmeans-1x": 40, "kmeans-2x": 80, "pca-1x": 40}


def tables() -> dict[str, pd.DataFrame]:
    """Clarity is the II by the backbone; one direction lacks it; the steep MIS is 1 for all."""
    rng = np.random.default_rng(0)
    scores, further = [], []
    for method, count in COUNTS.items():
        own = HEAD | {"layer": "layer1", "method": method, "direction": np.arange(count)}
        ii = {metric: rng.standard_normal(count) for metric in ("color", "backbone")}
        for metric, values in ii.items():
            for part in ("all", "relu1"):
                scores.append(pd.DataFrame(own | {"metric": metric, "part": part, "ii": values}))
        clarity = np.where(np.arange(count) == 3, np.nan, ii["backbone"])
        mis = rng.standard_normal(count) + ii["backbone"]
        for score, values in (("mis", mis), ("mis_limit", 1.0), ("clarity", clarity)):
            row = own | {"metric": "backbone", "score": score, "value": values}
            further.append(pd.DataFrame(row | {"slope": 0.2, "images": 58}))
        further.append(further[-1].assign(metric="color"))  # of a metric that isn't shown
    return {"scores": pd.concat(scores), "further": pd.concat(further)}


@pytest.fixture(scope="module")
def drawn() -> tuple:
    return draw_score_agreement(tables(), CFG)


def test_units_and_as_many_centroids_are_compared_where_they_have_all_scores(drawn):
    _, table = drawn
    assert {*table["method"]} == {"neurons", "kmeans-1x"} and {*table["n"]} == {39}
    assert len(table) == 2 * 10
    known = tables()
    own = known["further"].query("method == 'neurons' and metric == 'backbone' and score == 'mis'")
    index = known["scores"].query("method == 'neurons' and metric == 'color' and part == 'all'")
    pairs = np.delete(np.stack([index["ii"], own["value"]]), 3, axis=1)
    row = table.query("method == 'neurons' and first == 'II, colour' and second == 'MIS'").iloc[0]
    assert row["rho"] == pytest.approx(stats.spearmanr(*pairs).statistic)
    assert row["low"] < row["rho"] < row["high"]


def test_what_is_unclear_stands_in_brackets_and_what_is_constant_has_a_dash(drawn):
    figure, table = drawn
    texts = [text.get_text() for text in figure.axes[0].texts]
    own = table[table["method"] == "neurons"]
    expected = [
        "–" if np.isnan(rho) else f"({rho:.2f})" if low <= 0 <= high else f"{rho:.2f}"
        for rho, low, high in own[["rho", "low", "high"]].to_numpy()
    ]
    assert texts == expected
    assert {"–", "1.00"} < {*texts} and any("(" in text for text in texts)
    assert "slope 0.2" in figure.get_supxlabel().replace("\n", " ")
