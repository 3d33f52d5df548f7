"""What all figures share: their signature, one look, and what the small print says."""

import textwrap
from collections.abc import Collection, Iterable, Mapping
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from codespectra.files.csv_writer import write_csv
from codespectra.files.table_reductions import reductions_in_words
from codespectra.files.whole_files import atomic

# Of a figure's function: a rule's inputs by name, its tables read (a name is a kind of
# `files.table_columns`) and other files as paths; the rule's `params.cfg`; and what comes out, the
# figure and the table that it draws.
Inputs = Mapping[str, Any]
Config = Mapping[str, Any]
Drawn = tuple[Figure, pd.DataFrame]

# Widths in inches of one and of two journal columns.
COLUMN, PAGE = 3.5, 7.2
# Perceptually uniform and readable without colour vision; the second for angles and other cycles.
SEQUENTIAL, CYCLIC = "cividis", "twilight"
# Of kinds: told apart without colour vision (seaborn's "colorblind").
COLOURS = (
    "#0173b2",
    "#de8f05",
    "#029e73",
    "#d55e00",
    "#cc78bc",
    "#ca9161",
    "#fbafe4",
    "#949494",
    "#ece133",
    "#56b4e9",
)

# Of the small print under a figure.
LETTERS_AN_INCH = 20

# Sizes for print, and seaborn's theme "paper" with "ticks". Seaborn itself takes longer to import
# than most figures to draw, so that only the box plots do.
THEME = {
    "font.size": 8,
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "sans-serif"],
    "text.color": ".15",
    "axes.axisbelow": True,
    "axes.edgecolor": ".15",
    "axes.labelcolor": ".15",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "legend.title_fontsize": 9.6,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "patch.linewidth": 0.8,
    **{f"{axis}tick.color": ".15" for axis in "xy"},
    **{f"{axis}tick.labelsize": 7 for axis in "xy"},
    **{f"{axis}tick.major.size": 4.8 for axis in "xy"},
    **{f"{axis}tick.major.width": 1.0 for axis in "xy"},
    **{f"{axis}tick.minor.size": 3.2 for axis in "xy"},
    **{f"{axis}tick.minor.width": 0.8 for axis in "xy"},
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}

INDEX = "II: mean similarity of a direction's most exciting images, higher is more alike"
METRIC_NAMES = {"color": "colour", "label": "label"}
# More kinds of layers than these are counted, not named, at an axis.
NAMED_TYPES = 2


def apply() -> None:
    """Set the theme for figures made from here on."""
    matplotlib.rcParams.update(THEME)


def despine(where: Figure | Axes, *more: str) -> None:
    """Hide the frame's top and right, and the sides named."""
    for panel in where.axes if isinstance(where, Figure) else [where]:
        panel.spines[["top", "right", *more]].set_visible(False)


def colours(count: int) -> list[str]:
    """A colour a kind, from the first on again where there are more than `COLOURS`."""
    return list(islice(cycle(COLOURS), count))


def shades(count: int) -> np.ndarray:
    """Colours (count, 4) in order, without the two ends of the scale."""
    return matplotlib.colormaps[SEQUENTIAL](np.linspace(0, 1, count + 2)[1:-1])


def metric_name(metric: str) -> str:
    """A metric as figures call it."""
    return METRIC_NAMES.get(metric, metric)


def depth_label(types: Collection[str]) -> str:
    """The axis of depth: of which module classes the layers are that were analysed."""
    if list(types) == ["recorded"]:
        return "layer, in the file's order"
    if len(types) > NAMED_TYPES:
        return f"depth ({len(types)} kinds of layers, in running order)"
    return f"depth ({' and '.join(types)}, in running order)"


def listed(values: Iterable[Any]) -> str:
    """A value, or all that occur where they differ."""
    return ", ".join(map(str, np.unique(np.asarray(values))))


def span(counts: pd.Series) -> str:
    """A number, or the least and the most where they differ."""
    least, most = counts.min(), counts.max()
    return f"{least:.0f}" if least == most else f"{least:.0f}–{most:.0f}"


def weights_note(table: pd.DataFrame) -> str:
    """Where each model's weights come from, for the small print: `weights: a trained, b random`.

    Networks that only their seeds tell apart count as one, by the column `base` if there is one.
    """
    known = table[["base" if "base" in table else "model", "weights"]].drop_duplicates()
    return "weights: " + ", ".join(f"{name} {weights}" for name, weights in known.to_numpy())


def set_sizes(table: pd.DataFrame) -> str:
    """How many stimuli each set has: `tiles n = 500, dot n = 200`."""
    sets = table[["stimuli", "stimulus_count"]].drop_duplicates()
    return ", ".join(f"{row.stimuli} n = {row.stimulus_count}" for row in sets.itertuples())


def stimuli_note(table: pd.DataFrame) -> str:
    """How many stimuli: `n = 500 stimuli`, or `set_sizes` where they differ."""
    counts = table["stimulus_count"].unique()
    return f"n = {counts[0]} stimuli" if len(counts) == 1 else set_sizes(table)


def sample_note(scores: pd.DataFrame) -> str:
    """M, numbers of stimuli of each set and weights, for the small print."""
    return f"M = {listed(scores['m'])} · {set_sizes(scores)} · {weights_note(scores)}"


def reaches(middle: Any, low: Any, high: Any) -> np.ndarray:
    """How far the bars of an interval go down and up from its middle, (2, ...).

    A middle that lies beyond its interval, as quantiles of skewed draws allow, has no bar on that
    side.
    """
    middle = np.asarray(middle)
    return np.array([middle - np.asarray(low), np.asarray(high) - middle]).clip(min=0)


def explain(figure: Figure, inputs: Inputs, cfg: Config) -> None:
    """Add to the small print what holds of every figure of the same tables.

    How the activations were reduced, and what each metric is that is no LPIPS (`backbones` of the
    config: by name, in words).
    """
    words = reductions_in_words(inputs)
    notes = [f" · reduced by {words}"] if words else []
    tables = [table for table in inputs.values() if isinstance(table, pd.DataFrame)]
    columns = [table.get(name) for table in tables for name in ("metric", "map_metric", "backbone")]
    scored = {name for column in columns if column is not None for name in column.unique()}
    for name, what in cfg.get("backbones", {}).items():
        if name in scored:
            notes.append(f"\n{name}: {what}")
    if notes:
        credit(figure, figure.get_supxlabel() + "".join(notes))


def credit(figure: Figure, text: str) -> None:
    """Small print under a figure: study, data, weights, metric and sample size."""
    letters = int(figure.get_figwidth() * LETTERS_AN_INCH)
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, letters)]
    figure.supxlabel("\n".join(lines), fontsize=6, color="0.4", x=0.01, ha="left")


def save(figure: Figure, table: pd.DataFrame, paths: Mapping[str, str]) -> None:
    """Write a figure as PDF and PNG beside the CSV that it draws; the same bytes every time."""
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        for form, write in {"png": _write_png, "pdf": _write_pdf}.items():
            with atomic(Path(paths[form])) as temporary:
                write(figure, temporary)
            # Both forms have the places that the first has found. With "none" instead of None an
            # engine would stay that finds nothing, but has the figure drawn once more to do so.
            figure.set_layout_engine(None)
    write_csv(paths["csv"], table)
    plt.close(figure)


def _write_png(figure: Figure, path: Path) -> None:
    """In 256 colours at most, a third of the bytes: a report holds them all. The PDF has each."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", pil_kwargs={"compress_level": 1})
    with Image.open(drawn) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(path, "png", dpi=picture.info["dpi"])


def _write_pdf(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="pdf", metadata={"CreationDate": None})
