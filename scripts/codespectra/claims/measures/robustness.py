"""Attacks against the exponent and dropout, noise on images against II (A discussion, B 3.5).

A network is one observation: its layers' exponents are averaged first. Its vulnerability is the
mean over images of what an attack changes; an interval over networks adds what another draw of the
images would change in all of them.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Tables, by_scope
from codespectra.claims.scope import Scope
from codespectra.experiments.robustness_measures import MEASURES, VULNERABILITIES
from codespectra.statistics.evidence import Evidence, slope_over_networks
from codespectra.statistics.hierarchy import reach_of
from codespectra.statistics.subsamples import image_deviations

SWEEP = "dropout sweep"


def exponent_and_vulnerability(tables: Tables) -> Iterator[Evidence]:
    """Slope of the logarithm of the vulnerability on the exponent, over networks.

    Of the dropout sweep's and, by themselves, of those that only their seeds tell apart.
    """
    for scope, attacks in _groups(tables):
        models, stimuli = [*attacks["model"].unique()], attacks["stimuli"].iloc[0]
        alpha = mean_exponents(tables.exponents, models, stimuli)
        yield from _slopes(tables, scope, attacks, "alpha", alpha)


def dropout_and_vulnerability(tables: Tables) -> Iterator[Evidence]:
    """Slope of the logarithm of the vulnerability on dropout, over the sweep's networks."""
    for scope, attacks in _groups(tables):
        if scope.facets["networks"] == SWEEP:
            rates = {model: tables.networks[model]["dropout"] for model in attacks["model"]}
            yield from _slopes(tables, scope, attacks, "dropout", pd.Series(rates))


def index_and_stability(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation, over directions, of II with the stability of their responses under noise.

    The directions' own chance is that of Spearman's rho (Fieller et al. 1957); to it that of the
    images adds up, from random two thirds of them on which both are taken again.
    """
    keys = ["layer", "method", "metric"]
    drawn = dict(iter(tables.stability_resampled.groupby(["model", "stimuli", *keys, "strength"])))
    for place, found in by_scope(tables.stability, keys, tables.trained):
        for strength, rows in found.groupby("strength"):
            group = drawn[(*rows.iloc[0][["model", "stimuli", *keys]], strength)]
            for measure in MEASURES:
                scope = place.at(measure=measure, noise=f"noise {strength:g}")
                draws = group[group["measure"] == measure].sort_values("draw")["rho"].to_numpy()
                yield rank_correlation_of(scope, rows, measure, draws)


def rank_correlation_of(
    scope: str, rows: pd.DataFrame, measure: str, draws: np.ndarray
) -> Evidence:
    """Spearman's rho of II with a measure of stability, from one strength's directions.

    `draws` are its values on random two thirds of the images. The interval is symmetric about
    Fisher's artanh of rho, so that its ends lie between -1 and 1.
    """
    known = rows[["ii", measure]].dropna()
    n = len(known)
    if n < 5 or (known.nunique() < 2).any() or not np.isfinite(draws).all():
        return Evidence(scope, "Spearman's rho", np.nan, np.nan, np.nan, n)
    from scipy.stats import spearmanr  # half a second, which the figures of attacks needn't pay

    rho, p = spearmanr(known["ii"], known[measure])
    groups = int(rows["image_groups"].iloc[0])
    images, freedoms = image_deviations(draws, groups), (np.inf, groups - 1)
    reach, freedom = reach_of([1.06 / (n - 3) * (1 - rho**2) ** 2, np.mean(images**2)], freedoms)
    inside = np.clip(rho, -1 + 1e-9, 1 - 1e-9)  # where artanh is finite
    ends = np.tanh(np.arctanh(inside) + np.array([-1, 1]) * reach / (1 - inside**2))
    low, high = map(float, ends)
    found = float(rho), low, high, n, float(p)
    return Evidence(scope, "Spearman's rho", *found, freedom, images, freedoms[1])


def mean_exponents(exponents: pd.DataFrame, models: list[str], stimuli: str) -> pd.Series:
    """Mean exponent of each network on a set, over the layers that none of them lacks."""
    table = exponents[exponents["model"].isin(models) & (exponents["stimuli"] == stimuli)]
    by_layer = table.pivot(index="model", columns="layer", values="alpha")
    return by_layer.dropna(axis=1).mean(axis=1).reindex(models)


def _groups(tables: Tables) -> Iterator[tuple[Scope, pd.DataFrame]]:
    """Rows of attacked networks that differ in dropout and seed, or in their seeds alone."""
    swept, found = tables.networks or {}, {}
    for (model, stimuli), rows in tables.attacks.groupby(["model", "stimuli"], sort=False):
        if model in swept:
            statistics = swept[model]["statistics"].replace("_", " ")
            scope = Scope(networks=SWEEP, shown=f"on {stimuli}", statistics=statistics)
        elif model in tables.replicates and model in tables.trained:
            base = tables.replicates[model]["base"]
            scope = Scope(networks=f"seeds of {base}", shown=f"on {stimuli}")
        else:
            continue
        found.setdefault(scope, []).append(rows)
    for scope, rows in found.items():
        yield scope, pd.concat(rows)


def _slopes(
    tables: Tables, scope: Scope, attacks: pd.DataFrame, name: str, predictor: pd.Series
) -> Iterator[Evidence]:
    """Of each vulnerability, under each attack of each strength."""
    models, keys = [*predictor.index], ["measure", "attack", "epsilon"]
    drawn = dict(iter(tables.attack_draws.groupby(["stimuli", *keys])))
    of = attacks["measure"].isin(VULNERABILITIES)
    for (measure, attack, epsilon), rows in attacks[of].groupby(keys):
        stimuli, groups = rows[["stimuli", "image_groups"]].iloc[0]
        own = drawn[stimuli, measure, attack, epsilon]
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.log10(rows.set_index("model")["value"].reindex(models).to_numpy())
            by_draw = own.pivot(index="draw", columns="model", values="value")[models]
            spread = image_deviations(np.log10(by_draw.to_numpy()), groups)
        where = scope.at(
            measure=measure.replace("_", " "), attack=attack, epsilon=f"epsilon {epsilon:g}"
        )
        yield slope_over_networks(
            *(where, f"slope of log10 vulnerability on {name}", predictor.to_numpy(), value),
            value + spread,
        )
