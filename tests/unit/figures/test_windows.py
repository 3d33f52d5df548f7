"""The figure of exponents by window of ranks."""

import numpy as np
import pandas as pd
import pytest
from planted_codes import planted

from codespectra.figures import windows as figure_of_windows
from codespectra.spectra import eigenspectrum, windows

LAYERS = {"first": -0.5, "middle": -1.0, "last": -1.5}


@pytest.fixture(scope="module")
def inputs() -> dict[str, pd.DataFrame]:
    """Three layers of a network on 60 stimuli, too few for a map, and on 400."""
    maps, rows = [], []
    for stimuli, n in (("few", 12), ("many", 400)):
        for depth, (layer, alpha) in enumerate(LAYERS.items(), start=1):
            where = {"model": "net", "weights": "train", "stimuli": stimuli, "reduction": "stride"}
            where |= {"layer": layer, "depth": depth}
            found = windows.window_map(eigenspectrum.spectrum(planted(n, 200, alpha)))
            maps.append(found.assign(**where))
            rows.append(where | {"estimator": "windows"} | windows.verdict(found))
            rows.append(where | {"estimator": "paper", "note": ""})
    return {"windows": pd.concat(maps), "estimates": pd.DataFrame(rows)}


def test_slopes_and_maps_are_the_table_s(inputs):
    figure, table = figure_of_windows.draw_windows(inputs, {"study": "study"})
    pd.testing.assert_frame_equal(table.drop(columns="base"), inputs["windows"])
    slopes, first, *_ = figure.axes[4:]
    local = table[(table.stimuli == "many") & (table.kind == "local")]
    assert len(slopes.lines) == len(LAYERS) + 1  # and that of -1
    drawn = np.concatenate([line.get_ydata() for line in slopes.lines[:3]])
    np.testing.assert_array_equal(drawn, local.sort_values(["depth", "first_rank"]).alpha)
    mapped = table[(table.stimuli == "many") & (table.layer == "first") & (table.kind == "map")]
    colours = np.ma.compressed(first.collections[0].get_array())
    assert sorted(colours[np.isfinite(colours)]) == sorted(mapped.alpha)


def test_layers_whose_window_decides_are_counted(inputs):
    figure, _ = figure_of_windows.draw_windows(inputs, {"study": "study"})
    undecided = inputs["estimates"].note.str.startswith("not identified").sum()
    assert undecided and f"not identified in {undecided} of 6 layers" in figure.texts[0].get_text()


def test_a_study_without_a_window_has_a_figure_all_the_same(inputs):
    few = {name: table[table.stimuli == "few"] for name, table in inputs.items()}
    figure, _ = figure_of_windows.draw_windows(few, {"study": "study"})
    assert len(figure.axes) == 5
