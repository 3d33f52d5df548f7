"""One look for every figure: column width, colour-blind safe, a line that says what it shows."""

import textwrap
from pathlib import Path

import matplotlib
import pandas as pd
import seaborn as sns

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from codespectra.files.csv_writer import write_csv
from codespectra.files.whole_files import atomic

# Widths in inches of one and of two journal columns.
COLUMN, PAGE = 3.5, 7.2
# Perceptually uniform and readable without colour vision; the second for angles and other cycles.
SEQUENTIAL, CYCLIC = "cividis", "twilight"

# Of the small print under a figure.
LETTERS_AN_INCH = 20

THEME = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}

METRIC_NAMES = {"color": "colour", "label": "label"}


def apply() -> None:
    """Set the theme for figures made from here on."""
    sns.set_theme(context="paper", style="ticks", palette="colorblind", rc=THEME)


def metric_name(metric: str) -> str:
    """A metric as figures call it."""
    return METRIC_NAMES.get(metric, metric)


def weights_note(table: pd.DataFrame) -> str:
    """Where each model's weights come from, for the small print: `weights: a trained, b random`."""
    known = table[["model", "weights"]].drop_duplicates()
    return "weights: " + ", ".join(f"{row.model} {row.weights}" for row in known.itertuples())


def credit(figure: Figure, text: str) -> None:
    """Small print under a figure: study, data, weights, metric and sample size."""
    letters = int(figure.get_figwidth() * LETTERS_AN_INCH)
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, letters)]
    figure.supxlabel("\n".join(lines), fontsize=6, color="0.4", x=0.01, ha="left")


def save(figure: Figure, table: pd.DataFrame, paths: dict[str, str]) -> None:
    """Write a figure as PDF and PNG beside the CSV that it draws; the same bytes every time."""
    for form in ("pdf", "png"):
        with atomic(Path(paths[form])) as temporary:
            metadata = {"CreationDate": None} if form == "pdf" else {"Software": None}
            figure.savefig(temporary, format=form, metadata=metadata)
    write_csv(paths["csv"], table)
    plt.close(figure)
