"""Spectra, exponents and action of token trajectories of language models (A fig. 7 a, c)."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from codespectra.figures import style
from codespectra.figures.panels import draw_over_depth
from codespectra.figures.seeds import seeds_note, with_base
from codespectra.figures.spectra import draw_layers, fit_note, with_shares

DEPTH = "depth within the part"
SHIFT = 0.12  # of one model's bars against another's, in layers


def draw_text_spectra(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Log-log spectra, a column a model and a row a part, lines coloured by depth, fits dashed.

    Args:
        inputs: language_eigenvalues, language_exponents.
        cfg: study.
    """
    exponents = with_base(inputs["language_exponents"], cfg)
    shares = with_shares(inputs["language_eigenvalues"], inputs["language_exponents"])
    eigenvalues = with_base(shares, cfg)
    models, parts = (list(eigenvalues[name].unique()) for name in ("base", "part"))
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
                table[(table["base"] == model) & (table["part"] == part)]
                for table in (eigenvalues, exponents)
            )
            draw_layers(panel, run, laws, shade)
            panel.set_title(f"{model}: {part}")
        row[0].set_ylabel("share of variance")
    for panel in axes[-1]:
        panel.set_xlabel("rank of principal component")
    figure.colorbar(shade, ax=axes[:, -1], label="depth", ticks=MaxNLocator(integer=True))
    notes = cfg["study"], _sample(exponents), fit_note(exponents)
    style.credit(figure, " · ".join(notes) + seeds_note(exponents))
    return figure, eigenvalues


def draw_text_exponents(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Exponent against depth with 95 % intervals, a panel a part, a colour a model, and -1.

    Args:
        inputs: language_exponents.
        cfg: study.
    """
    exponents = with_base(inputs["language_exponents"], cfg)
    parts = list(exponents["part"].unique())
    figure, axes = plt.subplots(
        1, len(parts), figsize=(_page(len(parts)), 2.7), sharey=True, squeeze=False
    )
    for panel, part in zip(axes[0], parts, strict=True):
        for index, (model, run) in enumerate(_models(exponents, part)):
            shift = SHIFT * index
            line = draw_over_depth(panel, run, "alpha", index, shift=shift, label=model)[0]
            without = run.groupby("depth")["alpha_without_first"].mean()
            panel.plot(
                without.index + shift,
                without,
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
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · {_sample(exponents)} · bars: 95 % intervals, sequences resampled "
        "without replacement · open markers: without each sequence's first token"
        + seeds_note(exponents),
    )
    return figure, exponents


def draw_text_action(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Action of token trajectories against depth: raw, at unit variance, and roughness.

    Args:
        inputs: language_action.
        cfg: study.
    """
    action = with_base(inputs["language_action"], cfg)
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
        for length in action["length"].unique():
            row[2].axhline(length - 1, linestyle=":", color="0.5", linewidth=0.8)
        for panel in row[1:]:
            panel.set_ylim(bottom=0)
    for panel in axes[-1]:
        panel.set_xlabel(DEPTH)
    axes[0, 0].legend(frameon=False)
    style.despine(figure)
    sequences, tokens = style.listed(action["sequences"]), style.listed(action["length"])
    style.credit(
        figure,
        f"{cfg['study']} · n = {sequences} sequences of {tokens} tokens · "
        f"{style.weights_note(action)} · exact expectation of E, mean over sequences, 95 % "
        "intervals · roughness: E over the trajectory's variance; dotted: tokens in no order"
        + seeds_note(action),
    )
    return figure, action


def _models(table: pd.DataFrame, part: str) -> list[tuple[str, pd.DataFrame]]:
    return list(table[table["part"] == part].groupby("base", sort=False))


def _page(columns: int) -> float:
    return style.COLUMN if columns == 1 else style.PAGE


def _sample(exponents: pd.DataFrame) -> str:
    tokens, sequences = (
        style.listed(exponents[f"{name}_count"]) for name in ("stimulus", "sequence")
    )
    return f"n = {tokens} tokens of {sequences} sequences · {style.weights_note(exponents)}"
