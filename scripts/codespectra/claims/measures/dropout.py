"""Slopes of exponent, action, read-out and curvature on the dropout rate (A fig. 5, 6).

A network is one observation: its layers are averaged first, since they are not independent. The
statistic is the slope on the dropout rate, its interval over seeds and, for exponents, stimuli.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Measure, Tables
from codespectra.claims.scope import Scope
from codespectra.claims.sweep_columns import with_networks
from codespectra.statistics.evidence import Evidence, rank_correlation, slope_over_networks

# Of each network in order (dropout, seed): its value, and its value in each bootstrap draw if any.
Values = tuple[np.ndarray, np.ndarray | None]


def _groups(tables: Tables, table: pd.DataFrame) -> Iterator[tuple[Scope, pd.DataFrame]]:
    """Rows of the sweep's networks by BatchNorm statistics and part of the network."""
    swept = table[table["model"].isin(tables.networks)]
    networks = with_networks(swept, tables.networks)
    for (statistics, part), group in networks.groupby(["statistics", "part"]):
        scope = Scope(statistics=statistics.replace("_", " "), part=part)
        yield scope, group.sort_values(["dropout", "seed", "depth"])


def _means(group: pd.DataFrame, column: str) -> np.ndarray:
    """(networks,) mean of a column over layers, without layers that any network lacks."""
    values = group.pivot(index=["dropout", "seed"], columns="depth", values=column)
    return values.dropna(axis=1).mean(axis=1).to_numpy()


def _exponents(tables: Tables) -> Iterator[tuple[Scope, pd.DataFrame, Values]]:
    for scope, group in _groups(tables, tables.exponents):
        alpha = group.pivot(index=["dropout", "seed"], columns="depth", values="alpha")
        found = tables.bootstrap.merge(group[["model", "stimuli", "layer", "dropout", "seed"]])
        draws = found.pivot(index=["dropout", "seed", "draw"], columns="depth", values="alpha")
        # Estimate and draws are of the same layers: those that no network lacks in any draw.
        layers = pd.concat([alpha, draws], ignore_index=True).dropna(axis=1).columns
        value = alpha[layers].mean(axis=1).to_numpy()
        resampled = draws[layers].mean(axis=1).unstack("draw").to_numpy().T
        yield scope.at(value="alpha"), group, (value, resampled)


def _actions(tables: Tables) -> Iterator[tuple[Scope, pd.DataFrame, Values]]:
    for scope, group in _groups(tables, tables.action):
        for column in ("action", "relative_action"):
            logarithm = group.assign(log=np.log10(group[column].where(group[column] > 0)))
            yield scope.at(value=f"log10 {column}"), group, (_means(logarithm, "log"), None)


def _read_outs(tables: Tables) -> Iterator[tuple[Scope, pd.DataFrame, Values]]:
    for scope, group in _groups(tables, tables.action):
        where = scope.at(value="explained input variance")
        yield where, group, (_means(group, "explained"), None)


def _late_bends(tables: Tables) -> Iterator[tuple[Scope, pd.DataFrame, Values]]:
    """Curvature either way, which is any departure from a power law, and downward, as in steps."""
    swept = tables.exponents[tables.exponents["model"].isin(tables.networks)]
    networks = with_networks(swept, tables.networks)
    late = networks[networks["depth"] > networks["depth"].max() / 2]
    for statistics, group in late.groupby("statistics"):
        words = statistics.replace("_", " ")
        scope = Scope(statistics=words, part="later half of the layers")
        magnitude = group.assign(magnitude=group["curvature"].abs())
        yield scope.at(value="bend either way"), group, (_means(magnitude, "magnitude"), None)
        yield scope.at(value="downward bend"), group, (-_means(group, "curvature"), None)


def _slope(tables: Tables, found: tuple[Scope, pd.DataFrame, Values]) -> Evidence:
    scope, group, (value, draws) = found
    networks = group.drop_duplicates(["dropout", "seed"]).sort_values(["dropout", "seed"])
    dropout = networks["dropout"].to_numpy()
    return slope_over_networks(scope, "slope on dropout", dropout, value, draws)


def _slopes(values: Callable[[Tables], Iterator]) -> Measure:
    """Measure: slope of a value on dropout, over the networks of the sweep."""

    def measure(tables: Tables) -> Iterator[Evidence]:
        for found in values(tables):
            yield _slope(tables, found)

    return measure


exponent_on_dropout = _slopes(_exponents)
action_on_dropout = _slopes(_actions)
bend_on_dropout = _slopes(_late_bends)


def read_out_on_dropout_and_depth(tables: Tables) -> Iterator[Evidence]:
    """Slope of the explained input variance on dropout, and its rank correlation with depth."""
    yield from _slopes(_read_outs)(tables)
    swept = tables.action[tables.action["model"].isin(tables.networks)]
    for model, run in swept.groupby("model", sort=True):
        depth, explained = run["depth"].to_numpy(), run["explained"].to_numpy()
        yield rank_correlation(Scope(model, by="depth"), depth, explained, **tables.resampling)


def effects_when_recalibrated(tables: Tables) -> Iterator[Evidence]:
    """The same slopes in recalibrated networks alone, signed so that the papers' is positive."""
    for values, sign in ((_exponents, -1), (_actions, -1), (_read_outs, 1), (_late_bends, 1)):
        for scope, group, (value, draws) in values(tables):
            if group["statistics"].iloc[0] == "recalibrated":
                signed = sign * value, None if draws is None else sign * draws
                where = scope.at(direction="fall" if sign < 0 else "rise")
                yield _slope(tables, (where, group, signed))
