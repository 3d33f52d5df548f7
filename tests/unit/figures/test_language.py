"""Figures of language models show what their tables say."""

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from codespectra.figures import explanations, language, passage, style

RNG = np.random.default_rng(0)
CFG = {"study": "mini"}
WORDS = ["' the'", "' lazy'", "'\\n'", "'$'", "'fox'", "' jumps'", "'$_$'", '"\'"']


@pytest.fixture(autouse=True)
def theme():
    style.apply()
    yield
    plt.close("all")


def layers(**columns: list) -> pd.DataFrame:
    """A row a layer: two models, three layers of `mlp` and two of `residual`."""
    table = pd.DataFrame(
        [
            {
                "model": model,
                "weights": weights,
                "part": part,
                "layer": f"h.{depth}",
                "depth": depth,
            }
            for model, weights in {"gpt": "train", "untrained": "random"}.items()
            for part, deepest in {"mlp": 3, "residual": 2}.items()
            for depth in range(1, deepest + 1)
        ]
    )
    for name in columns["measures"]:
        table[name] = RNG.uniform(1, 2, len(table))
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.1, table[name] + 0.2
    return table.assign(**{name: value for name, value in columns.items() if name != "measures"})


def of(table: pd.DataFrame, model: str, part: str) -> pd.DataFrame:
    return table[(table["model"] == model) & (table["part"] == part)]


def small_print(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def test_exponents_of_both_models_their_bars_and_those_without_first_tokens():
    table = layers(measures=["alpha"], stimulus_count=640, sequence_count=10)
    table["alpha_without_first"] = table["alpha"] + 0.05
    figure, _ = language.draw_text_exponents({"language_exponents": table}, CFG)
    for panel, part in zip(figure.axes, ("mlp", "residual"), strict=True):
        assert panel.get_title() == part
        assert [-1, -1] in [list(line.get_ydata()) for line in panel.lines]
        for model, bars in zip(("gpt", "untrained"), panel.containers, strict=True):
            run = of(table, model, part)
            line, _, (reach,) = bars
            np.testing.assert_allclose(line.get_ydata(orig=False), run["alpha"])
            ends = np.array([segment[:, 1] for segment in reach.get_segments()])
            np.testing.assert_allclose(ends, run[["alpha_low", "alpha_high"]])
            (bare,) = [
                other
                for other in panel.lines
                if other.get_fillstyle() == "none" and other.get_color() == line.get_color()
            ]
            np.testing.assert_allclose(bare.get_ydata(), run["alpha_without_first"])
            np.testing.assert_allclose(bare.get_xdata(), line.get_xdata(orig=False))
    assert "n = 640 tokens of 10 sequences" in small_print(figure)
    assert "gpt train, untrained random" in small_print(figure)


def test_spectra_of_each_model_and_part_in_a_panel_of_their_own():
    table = layers(
        measures=["alpha"],
        stimulus_count=640,
        sequence_count=10,
        total_variance=2.0,
        intercept=0.0,
        first_rank=2,
        last_rank=9,
    )
    ranks = pd.DataFrame({"rank": np.arange(1, 11)})
    eigenvalues = table[["model", "part", "depth", "alpha"]].merge(ranks, how="cross")
    eigenvalues["eigenvalue"] = eigenvalues["rank"] ** eigenvalues.pop("alpha")
    inputs = {"language_eigenvalues": eigenvalues, "language_exponents": table}
    figure, _ = language.draw_text_spectra(inputs, CFG)
    panels = figure.axes[:4]
    titles = ["gpt: mlp", "untrained: mlp", "gpt: residual", "untrained: residual"]
    assert [panel.get_title() for panel in panels] == titles
    for panel, title in zip(panels, titles, strict=True):
        run = of(table, *title.split(": "))
        spectra, fits = panel.lines[::2], panel.lines[1::2]
        for spectrum, fit, (_, law) in zip(spectra, fits, run.iterrows(), strict=True):
            np.testing.assert_allclose(spectrum.get_ydata(), np.arange(1, 11) ** law["alpha"] / 2)
            # The planted law is the fit: dashes lie on the curve, at both ends of the window.
            np.testing.assert_allclose(fit.get_ydata(), spectrum.get_ydata()[[1, 8]])
    assert "Huber fit over ranks 2–9" in small_print(figure)


def test_action_and_roughness_with_that_of_tokens_in_no_order():
    names = ["action", "relative_action", "roughness"]
    table = layers(measures=names, sequences=12, length=64)
    figure, _ = language.draw_text_action({"language_action": table}, CFG)
    for place, panel in enumerate(figure.axes):
        part, name = ("mlp", "residual")[place // 3], names[place % 3]
        for model, bars in zip(("gpt", "untrained"), panel.containers, strict=True):
            np.testing.assert_allclose(bars[0].get_ydata(orig=False), of(table, model, part)[name])
        dotted = [line for line in panel.lines if line.get_linestyle() == ":"]
        assert [set(line.get_ydata()) for line in dotted] == [{63}] * (name == "roughness")
    assert "n = 12 sequences of 64 tokens" in small_print(figure)


def rows(tokens: list[str], depths: int) -> pd.DataFrame:
    """Rows of passage.csv of two parts: a line along z with some noise."""
    tables = []
    for part in ("mlp", "residual"):
        for depth in range(1, depths + 1):
            points = 0.3 * RNG.standard_normal((len(tokens), 3))
            points[:, 2] += np.linspace(-2, 2, len(tokens))
            table = pd.DataFrame(points, columns=["x", "y", "z"])
            table.insert(0, "token", tokens)
            where = {"model": "gpt", "weights": "train", "part": part, "layer": f"h.{depth}"}
            run = {"depth": depth, "action": 0.25, "expected_action": 1.5, "draws": 100}
            tables.append(table.assign(**where, **run))
    return pd.concat(tables, ignore_index=True)


def drawn(table: pd.DataFrame) -> style.Drawn:
    return passage.draw_passage({"passage": table}, CFG)


@pytest.mark.parametrize(("depths", "shown"), [(1, [1]), (3, [1, 2, 3]), (48, [1, 17, 32, 48])])
def test_a_passage_shows_layers_of_the_first_part_from_first_to_last(depths, shown):
    _, table = drawn(rows(WORDS, depths))
    assert set(table["part"]) == {"mlp"}
    assert list(table["depth"].unique()) == shown
    assert len(table) == len(WORDS) * len(shown)


def test_the_main_axis_is_that_along_which_the_tokens_lie():
    given = rows(WORDS * 4, 2)
    _, table = drawn(given)
    for depth, layer in table.groupby("depth"):
        line = given[(given["part"] == "mlp") & (given["depth"] == depth)]["z"]
        assert abs(np.corrcoef(layer["x"], line)[0, 1]) > 0.95
        assert layer["x"].std() > layer["y"].std()
        assert layer[["x", "y"]].abs().to_numpy().max() == pytest.approx(1)


def strips(figure: Figure) -> list:
    return [panel for panel in figure.axes if panel.patches and panel.texts]


def test_the_text_stands_in_order_on_the_colours_of_its_main_axis():
    figure, table = drawn(rows(WORDS * 8, 3))
    figure.canvas.draw()  # dollars are no mathematics
    assert len(strips(figure)) == 3
    shade = plt.get_cmap(style.SEQUENTIAL)
    for panel, (depth, layer) in zip(strips(figure), table.groupby("depth"), strict=True):
        assert f"h.{depth} (depth {depth}): action 0.25, expected 1.5" in panel.get_title("left")
        assert [text.get_text() for text in panel.texts] == [word[1:-1] for word in WORDS * 8]
        colors = [to_hex(box.get_facecolor()) for box in panel.patches]
        assert colors == [to_hex(shade((x + 1) / 2)) for x in layer["x"]]
    assert "64 tokens" in small_print(figure)


def test_words_fill_the_lines_without_meeting():
    long = ["'" + "=" * 70 + "'", *WORDS * 8]
    figure, _ = drawn(rows(long, 1))
    (panel,) = strips(figure)
    boxes = [box.get_bbox() for box in panel.patches]
    lowest, highest = sorted(panel.get_ylim())
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= panel.get_xlim()[1]
        assert lowest <= box.y0 < box.y1 <= highest
    for before, after in pairwise(boxes):
        assert (before.y0, before.x1) <= (after.y0, after.x0 + 48 * (after.y0 > before.y0))
    assert len({box.y0 for box in boxes}) == highest - lowest


def test_labels_on_a_curve_do_not_cover_each_other():
    tokens = [f"' token{number}'" for number in range(64)]
    figure, _ = drawn(rows(tokens, 4))
    figure.canvas.draw()
    curves = [panel for panel in figure.axes if panel.texts and not panel.patches]
    assert len(curves) == 4
    for panel in curves:
        labels = [text for text in panel.texts if isinstance(text, Annotation)]
        assert len(labels) >= 4
        assert all(
            label.get_text() in {f"␣token{number}" for number in range(64)} for label in labels
        )
        extents = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(other) for one, other in combinations(extents, 2))


def test_a_middle_beyond_its_interval_is_drawn_with_the_bar_of_the_other_side() -> None:
    """As a rank correlation may lie beyond the quantiles of its resamples."""
    found = pd.DataFrame(
        {"kind": ["neuron"] * 2, "mean": [0.9, 0.1], "low": [0.5, 0.2], "high": [0.8, 0.4]}
    )
    _, panel = plt.subplots()
    explanations.draw_kinds(panel, found, pd.Series([1, 2]))
    (bars,) = panel.collections
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [[0.5, 0.9], [0.1, 0.4]]
