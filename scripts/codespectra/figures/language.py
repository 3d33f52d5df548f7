"""Spectra, exponents and token trajectories of language models by depth (A fig. 7 a, c)."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from codespectra.figures import style
from codespectra.figures.curves import main_axes
from codespectra.figures.depth import draw_over_depth
from codespectra.figures.spectra import draw_layers, fit_note

DEPTH = "depth within the part"
SHIFT = 0.12  # of one model's bars against another's, in layers

SHOWN_LAYERS = 4
LINE = 48  # letters of a line of text
LINE_HEIGHT = 0.2  # in inches
TALL = 2  # is a letter against its width
# Tokens on a curve: at most so many, of so many letters, whose sizes are in units of the panel.
LABELS, LONGEST, LETTER = 16, 10, (0.09, 0.16)


def draw_text_spectra(eigenvalues: pd.DataFrame, exponents: pd.DataFrame, study: str) -> Figure:
    """Log-log spectra, a column a model and a row a part, lines coloured by depth, fits dashed.

    Args:
        eigenvalues: model, part, depth, rank, share (of the total variance).
        exponents: a row a layer with intercept, alpha, total_variance and the window.
        study: the study's name.
    """
    models, parts = (list(eigenvalues[name].unique()) for name in ("model", "part"))
    figure, axes = plt.subplots(
        len(parts),
        len(models),
        figsize=(_page(len(models)), 0.5 + 2.1 * len(parts)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    shade = ScalarMappable(Normalize(1, eigenvalues["depth"].max()), style.SEQUENTIAL)
    for row, part in zip(axes, parts, strict=True):
        for panel, model in zip(row, models, strict=True):
            run, laws = (
                table[(table["model"] == model) & (table["part"] == part)]
                for table in (eigenvalues, exponents)
            )
            draw_layers(panel, run, laws.set_index("depth"), shade)
            panel.set_title(f"{model}: {part}")
        row[0].set_ylabel("share of variance")
    for panel in axes[-1]:
        panel.set_xlabel("rank of principal component")
    figure.colorbar(shade, ax=axes[:, -1], label="depth", ticks=MaxNLocator(integer=True))
    style.credit(figure, f"{study} · {_sample(exponents)} · {fit_note(exponents)}")
    return figure


def draw_text_exponents(exponents: pd.DataFrame, study: str) -> Figure:
    """Exponent against depth with 95 % intervals, a panel a part, a colour a model, and -1.

    Args:
        exponents: model, weights, part, depth, alpha, alpha_low, alpha_high, alpha_without_first,
            stimulus_count, sequence_count.
        study: the study's name.
    """
    parts = list(exponents["part"].unique())
    figure, axes = plt.subplots(
        1, len(parts), figsize=(_page(len(parts)), 2.7), sharey=True, squeeze=False
    )
    for panel, part in zip(axes[0], parts, strict=True):
        for index, (model, run) in enumerate(_models(exponents, part)):
            shift = SHIFT * index
            line = draw_over_depth(panel, run, "alpha", index, shift=shift, label=model)[0]
            panel.plot(
                run["depth"] + shift,
                run["alpha_without_first"],
                line.get_marker(),
                markersize=5,
                markeredgewidth=0.6,
                fillstyle="none",
                color=line.get_color(),
            )
        panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
        panel.set(xlabel=DEPTH, title=part)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set_ylabel("power-law exponent α")
    axes[0, 0].legend(frameon=False)
    sns.despine(figure)
    style.credit(
        figure,
        f"{study} · {_sample(exponents)} · bars: 95 % intervals, sequences resampled without "
        "replacement · open markers: without each sequence's first token",
    )
    return figure


def draw_text_action(action: pd.DataFrame, study: str) -> Figure:
    """Action of token trajectories against depth: raw, at unit variance, and roughness.

    Args:
        action: model, weights, part, depth, sequences, length, and action, relative_action,
            roughness, each with _low and _high.
        study: the study's name.
    """
    labels = {
        "action": "action E (a.u.)",
        "relative_action": "action at unit variance",
        "roughness": "roughness",
    }
    parts = list(action["part"].unique())
    figure, axes = plt.subplots(
        len(parts),
        len(labels),
        figsize=(style.PAGE, 0.5 + 1.9 * len(parts)),
        sharex="row",
        squeeze=False,
    )
    for row, part in zip(axes, parts, strict=True):
        for panel, (column, label) in zip(row, labels.items(), strict=True):
            for index, (model, run) in enumerate(_models(action, part)):
                draw_over_depth(panel, run, column, index, shift=SHIFT * index, label=model)
            panel.set(ylabel=label, title=part)
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        row[0].set_yscale("log")
        row[2].axhline(action["length"].max() - 1, linestyle=":", color="0.5", linewidth=0.8)
        for panel in row[1:]:
            panel.set_ylim(bottom=0)
    for panel in axes[-1]:
        panel.set_xlabel(DEPTH)
    axes[0, 0].legend(frameon=False)
    sns.despine(figure)
    counts = _listed(action["sequences"]), _listed(action["length"])
    style.credit(
        figure,
        "{} · n = {} sequences of {} tokens · {} · exact expectation of E, mean over sequences, "
        "95 % intervals · roughness: E over the trajectory's variance; dotted: tokens in no "
        "order".format(study, *counts, style.weights_note(action)),
    )
    return figure


def passage_table(passage: pd.DataFrame) -> pd.DataFrame:
    """What `draw_passage` shows: layers of the first part, x and y along the curve's main axes.

    Args:
        passage: rows of passage.csv, in order: part, depth, x, y, z and the others.
    """
    part = passage[passage["part"] == passage["part"].iloc[0]]
    depths = part["depth"].unique()
    shown = np.unique(np.linspace(0, len(depths) - 1, SHOWN_LAYERS).round().astype(int))
    tables = []
    for depth in depths[shown]:
        layer = part[part["depth"] == depth]
        flat = main_axes(layer[["x", "y", "z"]].to_numpy())
        tables.append(layer.drop(columns="z").assign(x=flat[:, 0], y=flat[:, 1]))
    return pd.concat(tables, ignore_index=True)


def draw_passage(table: pd.DataFrame, study: str) -> Figure:
    """The least-action projection of each layer as a curve, beside the text in its colours.

    Args:
        table: what `passage_table` returns; `token` as Python's repr writes it.
        study: the study's name.
    """
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
        f"{study} · {layers[0][1]['part'].iloc[0]} · {len(layers[0][1])} tokens · "
        f"{style.weights_note(table)} · of {table['draws'].iloc[0]} random projections to three "
        "dimensions the one with the least action, along its two main axes and scaled; circle: "
        "first token",
    )
    return figure


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
    sns.despine(ax=panel, left=True, bottom=True)


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


def _models(table: pd.DataFrame, part: str) -> list[tuple[str, pd.DataFrame]]:
    return list(table[table["part"] == part].groupby("model", sort=False))


def _page(columns: int) -> float:
    return style.COLUMN if columns == 1 else style.PAGE


def _sample(exponents: pd.DataFrame) -> str:
    tokens, sequences = _listed(exponents["stimulus_count"]), _listed(exponents["sequence_count"])
    return f"n = {tokens} tokens of {sequences} sequences · {style.weights_note(exponents)}"


def _listed(values: pd.Series) -> str:
    """A number, or all that occur where models differ."""
    return ", ".join(str(value) for value in np.unique(values))
