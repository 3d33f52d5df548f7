"""Statistics over a network's layers: exponent, action, explained input variance (A fig. 3, 4)."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Tables
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence, from_draws, rank_correlation


def runs(table: pd.DataFrame, models: tuple[str, ...]) -> Iterator[tuple[Scope, pd.DataFrame]]:
    """Each run of those models with its scope, layers in order of depth."""
    for (model, stimuli), run in table.groupby(["model", "stimuli"], sort=True):
        if model in models:
            yield Scope(model, stimuli=stimuli), run.sort_values("depth")


def resampled_exponents(tables: Tables, run: pd.DataFrame) -> np.ndarray:
    """Bootstrap exponents (resamples, layers) of one run, the layers in order of depth."""
    chosen = tables.bootstrap.merge(run[["model", "stimuli", "layer"]])
    return chosen.pivot(index="draw", columns="depth", values="alpha").to_numpy()


def non_monotonic(tables: Tables) -> Iterator[Evidence]:
    """How far the exponent rises inside the network above both of its ends."""
    for scope, run in runs(tables.exponents, tables.trained):
        alpha, draws = run["alpha"].to_numpy(), resampled_exponents(tables, run)
        if len(alpha) < 3:
            continue
        rise = float(_interior_rise(alpha))
        resampled = _interior_rise(draws)
        statistic = "largest alpha inside minus the larger of the first and last"
        yield _from_draws(tables, scope, statistic, rise, resampled, n=len(alpha))


def _interior_rise(alpha: np.ndarray) -> np.ndarray:
    ends = np.maximum(alpha[..., 0], alpha[..., -1])
    return alpha[..., 1:-1].max(axis=-1) - ends


def largest_exponent(tables: Tables) -> Iterator[Evidence]:
    """How far a classifier's flattest layer lies above the exponent -1."""
    classifiers = tuple(name for name in tables.trained if name not in (tables.networks or {}))
    for scope, run in runs(tables.exponents, classifiers):
        alpha, draws = run["alpha"].to_numpy(), resampled_exponents(tables, run)
        statistic = "largest alpha of any layer, plus 1"
        largest, resampled = alpha.max() + 1, draws.max(axis=1) + 1
        yield _from_draws(tables, scope, statistic, largest, resampled, n=len(alpha))


def _from_draws(
    tables: Tables, scope: Scope, statistic: str, estimate: float, draws: np.ndarray, *, n: int
) -> Evidence:
    groups = tables.photographs.get(scope.facets["stimuli"])
    return from_draws(scope, statistic, estimate, draws, n=n, groups=groups)


def exponent_and_action(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation over layers of the exponent and the projections' action."""
    keys = ["model", "layer"]
    # One set of spectra at a time: a layer counts once.
    for stimuli, exponents in tables.exponents.groupby("stimuli", sort=True):
        joined = tables.action.merge(exponents[[*keys, "alpha"]], on=keys)
        for scope, run in runs(joined, tables.trained):
            for column in ("action", "relative_action"):
                where = scope.at(value=column, spectra=f"alpha on {stimuli}")
                alpha, action = run["alpha"].to_numpy(), run[column].to_numpy()
                yield rank_correlation(where, alpha, action, **tables.resampling)


def action_and_explained(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation over layers of the action and the input variance explained."""
    for scope, run in runs(tables.action, tables.trained):
        for column in ("action", "relative_action"):
            action, explained = run[column].to_numpy(), run["explained"].to_numpy()
            where = scope.at(value=column)
            yield rank_correlation(where, action, explained, **tables.resampling)
