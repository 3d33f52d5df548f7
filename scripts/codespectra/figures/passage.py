"""The projection of a passage of text with the least action, layer by layer (A fig. 7 c)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from codespectra.figures import style
from codespectra.figures.panels import main_axes

SHOWN_LAYERS = 4
LINE = 48  # letters of a line of text
LINE_HEIGHT = 0.2  # in inches
TALL = 2  # is a letter against its width
# Tokens on a curve: at most so many, of so many letters, whose sizes are in units of the panel.
LABELS, LONGEST, LETTER = 16, 10, (0.09, 0.16)


def draw_passage(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """The least-action projection of each layer as a curve, beside the text in its colours.

    Args:
        inputs: passage; `token` as Python's repr writes it.
        cfg: study.
    """
    table = _passage_table(inputs["passage"])
    layers = list(table.groupby("depth", sort=False))
    places, lines = _typeset([_shown(token) for token in layers[0][1]["token"]])
    height = max(1.35, lines * LINE_HEIGHT + 0.3)
    figure, axes = plt.subplots(
        len(layers),
        2,
        figsize=(style.PAGE, 0.4 + height * len(layers)),
        width_ratios=(1, 3.5),
        squeeze=False,
    )
    shade = ScalarMappable(Normalize(-1, 1), style.SEQUENTIAL)
    for (curve, strip), (depth, layer) in zip(axes, layers, strict=True):
        _draw_tokens(curve, layer, shade)
        _draw_text(strip, layer, places, shade)
        strip.set(ylim=(lines, 0))
        action, expected = layer[["action", "expected_action"]].iloc[0]
        name = f"{layer['layer'].iloc[0]} (depth {depth})"
        strip.set_title(f"{name}: action {action:.3g}, expected {expected:.3g}", loc="left")
    figure.colorbar(shade, ax=axes[:, 1], label="main axis", ticks=(-1, 0, 1), aspect=40)
    style.credit(
        figure,
        f"{cfg['study']} · {layers[0][1]['part'].iloc[0]} · {len(layers[0][1])} tokens · "
        f"{style.weights_note(table)} · of {style.listed(table['draws'])} random projections to "
        "three dimensions the one with the least action, along its two main axes and scaled; "
        "circle: first token",
    )
    return figure, table


def _passage_table(passage: pd.DataFrame) -> pd.DataFrame:
    """Some layers of the first part from first to last, x and y along the curve's main axes."""
    part = passage[passage["part"] == passage["part"].iloc[0]]
    depths = part["depth"].unique()
    shown = np.unique(np.linspace(0, len(depths) - 1, SHOWN_LAYERS).round().astype(int))
    tables = []
    for depth in depths[shown]:
        layer = part[part["depth"] == depth]
        flat = main_axes(layer[["x", "y", "z"]].to_numpy())
        tables.append(layer.drop(columns="z").assign(x=flat[:, 0], y=flat[:, 1]))
    return pd.concat(tables, ignore_index=True)


def _draw_tokens(panel: Axes, layer: pd.DataFrame, shade: ScalarMappable) -> None:
    """The curve of one layer, a dot a token, and some of the tokens."""
    points = layer[["x", "y"]].to_numpy()
    panel.plot(*points.T, color="0.8", linewidth=0.4, zorder=1)
    panel.scatter(*points.T, s=6, c=shade.to_rgba(points[:, 0]), linewidths=0, zorder=2)
    panel.plot(*points[0], "o", markersize=6, fillstyle="none", color="black")
    words = [_shown(token)[:LONGEST].replace(" ", "␣") for token in layer["token"]]
    for index in _apart(points, np.array([len(word) for word in words])):
        right = points[index, 0] > 0
        panel.annotate(
            words[index],
            points[index],
            (-2 if right else 2, 1),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=5.5,
            family="monospace",
            parse_math=False,
        ).set_in_layout(False)
    panel.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=[], yticks=[], aspect="equal")
    style.despine(panel, "left", "bottom")


def _apart(points: np.ndarray, letters: np.ndarray) -> list[int]:
    """Indices of points (n, 2), the outermost first, whose labels towards the middle don't meet."""
    width, height = LETTER
    x, y = points.T
    length = width * (letters + 1)  # with the gap between the point and its label
    left = np.where(x > 0, x - length, x)
    right = left + length
    chosen: list[int] = []
    for index in np.argsort(-np.linalg.norm(points, axis=1), kind="stable"):
        beside = (left[chosen] > right[index]) | (right[chosen] < left[index])
        if (beside | (np.abs(y[chosen] - y[index]) > height)).all() and len(chosen) < LABELS:
            chosen.append(int(index))
    return chosen


def _draw_text(
    panel: Axes, layer: pd.DataFrame, places: list[tuple[int, int, str]], shade: ScalarMappable
) -> None:
    """The tokens of one layer as text, on the colour of their place on the main axis."""
    for (line, letter, word), color in zip(places, shade.to_rgba(layer["x"]), strict=True):
        box = Rectangle((letter, line), len(word), 1, facecolor=color, edgecolor="white")
        panel.add_patch(box).set_linewidth(0.4)
        panel.text(
            letter + len(word) / 2,
            line + 0.5,
            word,
            ha="center",
            va="center_baseline",
            fontsize=8,
            family="monospace",
            parse_math=False,
            # Cividis is light from its middle on.
            color="white" if color[1] < 0.45 else "black",
        )
    panel.set(xlim=(0, LINE), aspect=TALL, anchor="W")
    panel.set_axis_off()


def _typeset(words: list[str]) -> tuple[list[tuple[int, int, str]], int]:
    """Line, first letter and text of each word on lines of `LINE` letters; number of lines."""
    places, line, letter = [], 0, 0
    for whole in words:
        word = whole[:LINE]
        if letter + len(word) > LINE:
            line, letter = line + 1, 0
        places.append((line, letter, word))
        letter += len(word)
    return places, line + 1


def _shown(token: str) -> str:
    """A token's repr without its quotation marks."""
    return token[1:-1]
