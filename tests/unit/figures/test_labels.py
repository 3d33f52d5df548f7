"""What figures say of their data follows from the data: layers, stimulus sets, metrics, counts."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from codespectra.figures import coding, index, language, projections, seeds, spectra, style

RNG = np.random.default_rng(0)
CFG = {"study": "study", "layers": ["GELU"], "backbones": {}}
WINDOW = {"first_rank": 2, "last_rank": 9, "intercept": 0.0, "total_variance": 2.0}


@pytest.fixture(autouse=True)
def theme():
    style.apply()
    yield
    plt.close("all")


def layers(*sets: str, models: tuple[str, ...] = ("net", "untrained"), **columns) -> pd.DataFrame:
    """Three layers of each model on each set, and columns of random numbers with intervals."""
    rows = [
        {"model": model, "weights": "train", "stimuli": name, "layer": f"act{d}", "depth": d}
        for model, name, d in product(models, sets, (1, 2, 3))
    ]
    table = pd.DataFrame(rows).assign(**WINDOW, curvature=0.1, frames=40, draws=100)
    for name in ("alpha", "plain_alpha", "action", "relative_action", "explained", "roughness"):
        values = RNG.uniform(1, 2, len(table)) * (-1 if "alpha" in name else 1)
        table[name], table[f"{name}_low"], table[f"{name}_high"] = (
            values,
            values - 0.1,
            values + 0.1,
        )
    return table.assign(**{"stimulus_count": 500, "resampled": "stimuli"} | columns)


def without(table: pd.DataFrame, *classes: str) -> pd.DataFrame:
    """Exponents of each layer with each of the classes left out."""
    found = table[["model", "weights", "stimuli", "layer", "depth", "alpha"]]
    return found.merge(pd.DataFrame({"class": classes}, dtype=str), how="cross")


def ranks(table: pd.DataFrame) -> pd.DataFrame:
    """Eigenvalues of each layer, as a power law."""
    found = table[["model", "stimuli", "layer", "depth", "alpha"]]
    found = found.merge(pd.DataFrame({"rank": np.arange(1, 11)}), how="cross")
    found["eigenvalue"] = found["plain"] = found["rank"] ** found.pop("alpha")
    return found


def small_print(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def labels(figure: Figure) -> set[str]:
    return {label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())}


# Stimulus sets -----------------------------------------------------------------------------------


def test_a_layer_of_the_action_counts_once_however_many_sets_have_its_exponent():
    action, exponents = layers("dot"), layers("photographs", "tiles")
    figure, table = projections.draw_action({"action": action, "exponents": exponents}, CFG)
    pd.testing.assert_frame_equal(table[list(action)], action)
    columns = ("action", "relative_action", None, "explained")
    for panel, column in zip(figure.axes, columns, strict=True):
        runs = action.groupby("model", sort=False) if column else ()
        for bars, (_, run) in zip(panel.containers, runs, strict=True):
            np.testing.assert_array_equal(bars[0].get_xdata(orig=False).round(), run["depth"])
            np.testing.assert_array_equal(bars[0].get_ydata(orig=False), run[column])
    against = figure.axes[2]
    drawn = [(*line.get_xdata(),) for line in against.lines if len(line.get_xdata()) == 3]
    runs = exponents.groupby(["model", "stimuli"], sort=False)["alpha"]
    assert drawn == [(*alpha,) for _, alpha in runs]
    assert against.get_xlabel() == "power-law exponent α on photographs, tiles"
    assert {"α on photographs", "α on tiles"} <= {*against.get_legend_handles_labels()[1]}
    for stimuli, known in exponents.groupby("stimuli"):
        joined = table.merge(known, on=["model", "layer"])
        np.testing.assert_array_equal(joined[f"alpha_on_{stimuli}"], joined["alpha_y"])


def test_a_layer_without_exponent_keeps_its_action():
    action, exponents = layers("dot"), layers("tiles", models=("net",))
    _, table = projections.draw_action({"action": action, "exponents": exponents}, CFG)
    missing = table["alpha_on_tiles"].isna()
    assert set(table.loc[missing, "model"]) == {"untrained"}
    assert len(table) == len(action)


def test_counts_are_those_of_all_sets_and_not_of_the_first():
    same, table = layers("tiles", "test"), layers("tiles", "test")
    table["stimulus_count"] = table["stimuli"].map({"tiles": 840, "test": 1000})
    for drawn, inputs in (
        (spectra.draw_exponents, {"exponents": table, "left_out": without(table)}),
        (spectra.draw_spectra, {"exponents": table, "eigenvalues": ranks(table)}),
    ):
        assert "tiles n = 840, test n = 1000" in small_print(drawn(inputs, CFG)[0])
    figure, _ = spectra.draw_exponents({"exponents": same, "left_out": without(same)}, CFG)
    assert "n = 500 stimuli" in small_print(figure)
    dots = layers("dot", "slow")
    dots["frames"] = dots["stimuli"].map({"dot": 40, "slow": 90})
    figure, _ = projections.draw_action({"action": dots, "exponents": same}, CFG)
    assert "moving dot, 40, 90 frames" in small_print(figure)


def test_each_set_has_a_panel_with_a_thin_line_for_each_class_left_out():
    table = layers("tiles", "crops", resampled="classes")
    inputs = {"exponents": table, "left_out": without(table, "cat", "cup")}
    figure, drawn = spectra.draw_exponents(inputs, CFG)
    assert "thin: one class left out" in small_print(figure)
    for panel, stimuli in zip(figure.axes, ("tiles", "crops"), strict=True):
        thin = [line.get_ydata() for line in panel.lines if line.get_linewidth() == 0.3]
        known = table[table["stimuli"] == stimuli].groupby("model", sort=False)["alpha"]
        np.testing.assert_array_equal(thin, [a for _, run in known for a in (run, run)])
    assert drawn["class"].value_counts().to_dict() == {"cat": 12, "cup": 12}


def test_a_narrower_window_of_some_layers_is_told():
    table = layers("tiles")
    assert spectra.fit_note(table) == "dashed: Huber fit over ranks 2–9"
    table.loc[0, "last_rank"] = 6
    table.loc[1, ["last_rank", "alpha"]] = 4, np.nan  # too narrow for a fit
    assert spectra.fit_note(table) == "dashed: Huber fit over ranks 2 to 6–9"


def test_tokens_in_no_order_have_a_line_for_each_length():
    table = layers("text").assign(part="mlp", sequences=12)
    table["length"] = table["model"].map({"net": 64, "untrained": 32})
    figure, _ = language.draw_text_action({"language_action": table}, {"study": "study"})
    dotted = [line for line in figure.axes[2].lines if line.get_linestyle() == ":"]
    assert [line.get_ydata()[0] for line in dotted] == [63, 31]


# Layers ------------------------------------------------------------------------------------------


def swept() -> dict:
    """A sweep of two dropouts, and its config."""
    networks = {
        f"vae{dropout}": {"dropout": dropout, "seed": 0, "statistics": "as_trained"}
        for dropout in (0.0, 0.4)
    }
    return {"cfg": CFG | {"networks": networks}, "models": tuple(networks)}


def drawn_against_depth() -> dict[str, Figure]:
    table, sweep = layers("tiles"), swept()
    exponents, action = (layers(name, models=sweep["models"]) for name in ("tiles", "dot"))
    inputs = {"exponents": exponents, "eigenvalues": ranks(exponents), "action": action}
    inputs |= {"crossed_exponents": exponents, "crossed_eigenvalues": ranks(exponents)}
    plain = {"exponents": table, "eigenvalues": ranks(table), "action": layers("dot")}
    plain["left_out"] = without(table)
    return {
        **{
            draw.__name__: draw(plain, CFG)[0]
            for draw in (spectra.draw_spectra, spectra.draw_exponents, projections.draw_action)
        },
        **{
            draw.__name__: draw(inputs, sweep["cfg"])[0]
            for draw in (
                coding.draw_dropout_spectra,
                coding.draw_dropout,
                coding.draw_cross_validated,
            )
        },
    }


def test_the_axis_of_depth_names_the_layers_that_were_analysed():
    for name, figure in drawn_against_depth().items():
        found = {label for label in labels(figure) if label.startswith("depth")}
        assert found == {"depth (GELU, in running order)"}, name
        assert "ReLU" not in small_print(figure), name


@pytest.mark.parametrize(
    ("types", "label"),
    [
        (["ReLU"], "depth (ReLU, in running order)"),
        (["ReLU", "Linear"], "depth (ReLU and Linear, in running order)"),
        (["A", "B", "C"], "depth (3 kinds of layers, in running order)"),
    ],
)
def test_many_kinds_of_layers_are_counted(types, label):
    assert style.depth_label(types) == label


# Metrics -----------------------------------------------------------------------------------------


def scores(*metrics: str) -> pd.DataFrame:
    rows = product(("neurons", "kmeans-1x"), metrics, range(6))
    table = pd.DataFrame(rows, columns=["method", "metric", "direction"])
    run = {"model": "net", "weights": "train", "stimuli": "tiles", "stimulus_count": 9, "m": 5}
    return table.assign(**run, layer="act1", part="all", ii=RNG.random(len(table)))


def test_a_figure_says_how_its_activations_were_reduced():
    tables = {"scores": scores("color").assign(reduction="spatial_mean")}
    figure, _ = index.draw_index(tables, CFG)
    style.explain(figure, tables, CFG)
    assert small_print(figure).endswith("higher is more alike · reduced by spatial_mean")
    longest = max(map(len, figure.get_supxlabel().split("\n")))
    assert longest <= style.PAGE * style.LETTERS_AN_INCH


@pytest.mark.parametrize(
    ("metrics", "backbones", "told"),
    [
        (("color", "lpips"), {}, ""),
        (("color", "lpips"), {"own": "not LPIPS"}, ""),  # a backbone that doesn't score
        (("color", "own"), {"own": "not LPIPS"}, "own: not LPIPS"),
        (("lpips", "a", "b"), {"a": "DreamSim", "b": "not LPIPS"}, "a: DreamSim b: not LPIPS"),
    ],
)
def test_a_networks_own_features_are_explained_where_they_score(metrics, backbones, told):
    tables = {"scores": scores(*metrics)}
    figure, _ = index.draw_index(tables, CFG)
    style.explain(figure, tables, CFG | {"backbones": backbones})
    assert "II: mean similarity" in small_print(figure)
    assert ("not LPIPS" in small_print(figure)) == bool(told)
    assert told in small_print(figure)


# Seeds -------------------------------------------------------------------------------------------

SEEDS = ("net-s0", "net-s1", "net-s2")
SEEDED = CFG | {"bases": dict.fromkeys(SEEDS, "net")}


def thin_lines(panel: Axes) -> list[np.ndarray]:
    thin = seeds.THIN["linewidth"]
    return [line.get_ydata() for line in panel.lines if line.get_linewidth() == thin]


def test_networks_of_several_seeds_are_thin_lines_around_their_mean():
    table, action = (layers(name, models=(*SEEDS, "other")) for name in ("tiles", "dot"))
    inputs = {"exponents": table, "left_out": without(table), "action": action}
    against_depth, drawn = spectra.draw_exponents(inputs, SEEDED)
    moved, _ = projections.draw_action(inputs, SEEDED)
    for panel, known, column in (
        (against_depth.axes[0], table, "alpha"),
        (moved.axes[0], action, "action"),
    ):
        own = known[known["model"].isin(SEEDS)]
        np.testing.assert_array_equal(
            thin_lines(panel), [run[column] for _, run in own.groupby("model")]
        )
        mean, other = (bars[0].get_ydata() for bars in panel.containers)
        np.testing.assert_allclose(mean, own.groupby("depth")[column].mean())
        np.testing.assert_array_equal(other, known.loc[known["model"] == "other", column])
    assert {*drawn["base"]} == {"net", "other"}
    assert {*drawn["model"]} == {*SEEDS, "other"}
    for figure in (against_depth, moved):
        assert "networks of several seeds (net 3): thin, their mean thick" in small_print(figure)
        assert "weights: net train, other train" in small_print(figure)


def test_spectra_of_several_seeds_have_one_panel_and_the_mean_law():
    table = layers("tiles", models=SEEDS)
    inputs = {"exponents": table, "eigenvalues": ranks(table)}
    figure, drawn = spectra.draw_spectra(inputs, SEEDED)
    panel, *_ = figure.axes
    assert panel.get_title() == "net on tiles"
    assert len(thin_lines(panel)) == len(SEEDS) * 3
    thick = [line.get_ydata() for line in panel.lines if line.get_linewidth() == 1]
    shares = drawn.groupby(["depth", "rank"])["share"].mean()
    np.testing.assert_allclose(thick, [shares[depth] for depth in (1, 2, 3)])
    dashed = [line for line in panel.lines if line.get_linestyle() == "--"]
    ends = [np.log([line.get_xdata(), line.get_ydata()]) for line in dashed]
    slopes = [(y[1] - y[0]) / (x[1] - x[0]) for x, y in ends]
    np.testing.assert_allclose(slopes, table.groupby("depth")["alpha"].mean())


def test_boxes_of_several_seeds_are_of_all_their_directions():
    tables = [scores("color").assign(model=name) for name in SEEDS]
    figure, _ = index.draw_index({"scores": pd.concat(tables, ignore_index=True)}, SEEDED)
    titles = {panel.get_title("left") for panel in figure.axes} - {""}
    assert titles == {"net on tiles, 3 networks"}
