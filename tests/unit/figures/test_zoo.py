"""The figure of the zoo: what is known, which networks, and how they rank."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from codespectra.errors import UserError
from codespectra.figures.zoo import draw_zoo

CFG = {"study": "zoo", "metric": "dreamsim", "resamples": 50, "seed": 0}
HEAD = {"library": "timm", "weights": "random", "stimuli": "tiles", "stimulus_count": 99}
HEAD |= {"layer": "relu", "type": "ReLU", "reduction": "stride", "width": 8, "note": ""}


def table(count: int = 6) -> pd.DataFrame:
    """Deep exponents fall with the size; no accuracy is known, nor one year; the last failed."""
    rows = []
    for number in range(count):
        for depth in (0.5, 1.0):
            for measure, metric in (("exponent", ""), ("ii", "dreamsim"), ("ii", "color")):
                value = -number if depth == 1 else number % 3
                place = {"network": f"net{number}", "parameters": 10.0**number, "depth": depth}
                place |= {"year": np.nan if number == 2 else 2010 + number, "accuracy": np.nan}
                ends = {"value": value, "low": value - 0.1, "high": value + 0.1}
                rows.append(HEAD | place | ends | {"measure": measure, "metric": metric})
    failed = {"network": "broken", "measure": "", "metric": "", "note": "no such file"}
    return pd.DataFrame([*rows, HEAD | failed])


def test_what_is_known_of_networks_is_drawn_and_what_is_not_is_told():
    figure, points = draw_zoo({"zoo": table()}, CFG)
    words = figure.get_supxlabel()
    plt.close(figure)
    assert {*points["against"]} == {"parameters", "year"} and {*points["metric"]} == {
        "",
        "dreamsim",
    }
    assert "7 networks, 1 of them failed" in words.replace("\n", " ")
    assert "not known of any: accuracy" in words.replace("\n", " ")
    deep = points[(points["depth"] == 1) & (points["measure"] == "exponent")].set_index("against")
    assert (deep.loc["parameters", "rho"] == -1).all() and len(deep.loc["year"]) == 5


def test_few_networks_have_no_rank_correlation():
    figure, points = draw_zoo({"zoo": table(4)}, CFG)
    plt.close(figure)
    assert points["rho"].isna().all() and len(points) > 0


def test_a_zoo_of_failures_ends_with_the_first_reason():
    failed = table()[-1:]
    with pytest.raises(UserError, match=r"nothing could be measured; the first is timm:broken: no"):
        draw_zoo({"zoo": failed}, CFG)
