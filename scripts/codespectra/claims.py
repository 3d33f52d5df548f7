"""Every claim of the two papers, and our own, judged by intervals alone (methods §10).

A claim is a sentence, what its statistic must do, and a function that computes the statistic from
the tables of a study; a claim without such a function says which study would reach it.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd

from codespectra.evidence import (
    NOT_RUN,
    Evidence,
    Judge,
    compare_groups,
    from_draws,
    rank_correlation,
    verdict_effect,
    verdict_negative,
    verdict_negligible,
    verdict_positive,
)


@dataclass(frozen=True)
class Tables:
    """What a study has measured, and how often to resample it.

    `trained` names the models whose weights were learned; claims of the papers are about these.
    `analysis_set` is the stimulus set of the directions' first run; other sets are controls.
    """

    exponents: pd.DataFrame
    bootstrap: pd.DataFrame
    action: pd.DataFrame
    scores: pd.DataFrame
    trained: tuple[str, ...]
    analysis_set: str
    draws: int
    seed: int

    @property
    def resampling(self) -> dict[str, int]:
        """Keyword arguments of the bootstraps."""
        return {"draws": self.draws, "seed": self.seed}


Measure = Callable[[Tables], Iterator[Evidence]]


@dataclass(frozen=True)
class Claim:
    """One claim: id, the sentence, the paper's figure, and how it is measured and judged."""

    id: str
    sentence: str
    figure: str
    measure: Measure | None = None
    judge: Judge = verdict_positive
    needs: str = field(default="", compare=False)


def judge_claims(tables: Tables) -> pd.DataFrame:
    """All claims, a row each scope: id, claim, figure, scope, statistic, estimate, low, high, n,
    p, verdict, reason (of `not run`)."""
    rows = []
    for claim in CLAIMS:
        head = {"id": claim.id, "claim": claim.sentence, "figure": claim.figure}
        found = list(claim.measure(tables)) if claim.measure is not None else []
        for evidence in found:
            verdict = claim.judge(evidence.low, evidence.high)
            rows.append(head | asdict(evidence) | {"verdict": verdict, "reason": ""})
        if not found:
            rows.append(head | {"verdict": NOT_RUN, "reason": claim.needs or NOTHING_TO_MEASURE})
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *("id", "claim", "figure", "scope", "statistic", "estimate", "low", "high", "n", "p"),
    *("verdict", "reason"),
]
NOTHING_TO_MEASURE = "this study's config runs nothing that measures it"


# Spectra and projections ------------------------------------------------------------------------


def _runs(table: pd.DataFrame, models: tuple[str, ...]) -> Iterator[tuple[str, pd.DataFrame]]:
    for (model, stimuli), run in table.groupby(["model", "stimuli"], sort=True):
        if model in models:
            yield f"{model} on {stimuli}", run.sort_values("depth")


def _resampled_exponents(tables: Tables, run: pd.DataFrame) -> np.ndarray:
    """Bootstrap exponents (draws, layers) of one run, the layers in order of depth."""
    chosen = tables.bootstrap.merge(run[["model", "stimuli", "layer"]])
    return chosen.pivot(index="draw", columns="depth", values="alpha").to_numpy()


def _non_monotonic(tables: Tables) -> Iterator[Evidence]:
    for scope, run in _runs(tables.exponents, tables.trained):
        alpha, draws = run["alpha"].to_numpy(), _resampled_exponents(tables, run)
        if len(alpha) < 3:
            continue
        rise = _interior_rise(alpha)
        resampled = _interior_rise(draws)
        statistic = "largest alpha inside minus the larger of the first and last"
        yield from_draws(scope, statistic, rise, resampled, n=len(alpha))


def _interior_rise(alpha: np.ndarray) -> np.ndarray:
    ends = np.maximum(alpha[..., 0], alpha[..., -1])
    return alpha[..., 1:-1].max(axis=-1) - ends


def _largest_exponent(tables: Tables) -> Iterator[Evidence]:
    for scope, run in _runs(tables.exponents, tables.trained):
        alpha, draws = run["alpha"].to_numpy(), _resampled_exponents(tables, run)
        statistic = "largest alpha of any layer, plus 1"
        yield from_draws(scope, statistic, alpha.max() + 1, draws.max(axis=1) + 1, n=len(alpha))


def _exponent_and_action(tables: Tables) -> Iterator[Evidence]:
    keys = ["model", "layer"]
    # One set of spectra at a time: a layer counts once.
    for stimuli, exponents in tables.exponents.groupby("stimuli", sort=True):
        joined = tables.action.merge(exponents[[*keys, "alpha"]], on=keys)
        for scope, run in _runs(joined, tables.trained):
            for column in ("action", "relative_action"):
                where = f"{scope}, {column}, alpha on {stimuli}"
                alpha, action = run["alpha"].to_numpy(), run[column].to_numpy()
                yield rank_correlation(where, alpha, action, **tables.resampling)


def _action_and_explained(tables: Tables) -> Iterator[Evidence]:
    for scope, run in _runs(tables.action, tables.trained):
        for column in ("action", "relative_action"):
            action, explained = run[column].to_numpy(), run["explained"].to_numpy()
            yield rank_correlation(f"{scope}, {column}", action, explained, **tables.resampling)


# Interpretability -------------------------------------------------------------------------------


def _groups(tables: Tables, trained: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    """Scores of each (model, layer, metric) on the analysis set, parts of a backbone summed."""
    scores = tables.scores
    whole = scores[(scores["part"] == "all") & (scores["stimuli"] == tables.analysis_set)]
    keys = ["model", "stimuli", "layer", "metric"]
    for (model, stimuli, layer, metric), group in whole.groupby(keys, sort=True):
        if (model in tables.trained) == trained:
            yield f"{model} on {stimuli}, {layer}, {metric}", group


def _values(group: pd.DataFrame, method: str) -> np.ndarray:
    return group.loc[group["method"] == method, "ii"].to_numpy()


def _named(group: pd.DataFrame, kind: str) -> list[str]:
    """Methods of that kind, smaller k first."""
    methods = [name for name in group["method"].unique() if name.split("-")[0] == kind]
    return sorted(methods, key=lambda name: int(name.rpartition("-")[2]) if "-" in name else 0)


def kmeans_over(kind: str, trained: bool = True) -> Measure:
    """Measure: II of each K-Means against all methods of `kind`."""

    def measure(tables: Tables) -> Iterator[Evidence]:
        for scope, group in _groups(tables, trained):
            for ours in _named(group, "kmeans"):
                for other in _named(group, kind):
                    first, second = _values(group, ours), _values(group, other)
                    where = f"{scope}, {ours} against {other}"
                    yield compare_groups(where, first, second, **tables.resampling)

    return measure


def _largest_against_smallest_k(tables: Tables) -> Iterator[Evidence]:
    for scope, group in _groups(tables, trained=True):
        fits = _named(group, "kmeans")
        if len(fits) > 1:
            first, second = _values(group, fits[-1]), _values(group, fits[0])
            where = f"{scope}, {fits[-1]} against {fits[0]}"
            yield compare_groups(where, first, second, **tables.resampling)


def _each_backbone_layer(tables: Tables) -> Iterator[Evidence]:
    scores = tables.scores
    parts = scores[(scores["part"] != "all") & (scores["stimuli"] == tables.analysis_set)]
    keys = ["model", "stimuli", "layer", "metric", "part"]
    for (model, stimuli, layer, metric, part), group in parts.groupby(keys, sort=True):
        if model not in tables.trained:
            continue
        neurons = _values(group, "neurons")
        for ours in _named(group, "kmeans") if len(neurons) else ():
            where = f"{model} on {stimuli}, {layer}, {metric} {part}, {ours} against neurons"
            yield compare_groups(where, _values(group, ours), neurons, **tables.resampling)


def _other_sets(tables: Tables) -> Iterator[Evidence]:
    whole = tables.scores[tables.scores["part"] == "all"]
    keys = ["model", "layer", "metric", "method"]
    for (model, layer, metric, method), group in whole.groupby(keys, sort=True):
        sets = {name: rows["ii"].to_numpy() for name, rows in group.groupby("stimuli", sort=True)}
        if model not in tables.trained or tables.analysis_set not in sets:
            continue
        base = sets.pop(tables.analysis_set)
        for name, values in sets.items():
            where = f"{model}, {layer}, {metric}, {method}: {name} against {tables.analysis_set}"
            yield compare_groups(where, values, base, **tables.resampling)


# All claims -------------------------------------------------------------------------------------

_CODING = "needs the study `coding` (dropout networks), which this version doesn't have yet"
_THEORY = "needs the study `theory`, which this version doesn't have yet"
_LANGUAGE = "needs the study `language`, which this version doesn't have yet"
_INTERPRETABILITY = "needs the study `interpretability`, which this version doesn't have yet"

CLAIMS = (
    Claim("A1", "Dimensions per feature follow the compression rate R(S)", "A 1c", needs=_THEORY),
    Claim(
        "A2",
        "Networks trained with dropout keep information, untrained ones lose it exponentially",
        "A-supp 1",
        needs=_THEORY,
    ),
    Claim("A3", "The bounds of theorem 3 hold", "A 2", needs=_THEORY),
    Claim("A4", "The spectrum's decay is non-monotonic over depth", "A 3c", _non_monotonic),
    Claim(
        "A5", "The exponent and the action of projections correlate", "A 4d", _exponent_and_action
    ),
    Claim("A6", "Dropout lowers the exponent", "A 6b", needs=_CODING),
    Claim("A7", "Dropout lowers the action", "A 6c", needs=_CODING),
    Claim("A8", "Dropout and depth raise the explained input variance", "A 6d", needs=_CODING),
    Claim(
        "A9",
        "Low action goes with high explained input variance",
        "A 6e",
        _action_and_explained,
        verdict_negative,
    ),
    Claim("A10", "Dropout raises the spectrum's curvature in late layers", "A 5", needs=_CODING),
    Claim("A11", "Language-model exponents stay above -1", "A 7a", needs=_LANGUAGE),
    Claim("A12", "Neuron and projection scores run opposite over depth", "A 7b", needs=_LANGUAGE),
    Claim("B1", "K-Means directions have a higher II than neurons", "B 3", kmeans_over("neurons")),
    Claim("B2", "K-Means directions have a higher II than PCA", "B 3", needs=_INTERPRETABILITY),
    Claim("B3", "K-Means directions have a higher II than ICA", "B 3", needs=_INTERPRETABILITY),
    Claim("B4", "K-Means directions have a higher II than NMF", "B 3", needs=_INTERPRETABILITY),
    Claim("B5", "K-Means directions have a higher II than SAEs", "B 9", needs=_INTERPRETABILITY),
    Claim(
        "B6", "K-Means directions have a higher II than random ones", "B 3", kmeans_over("random")
    ),
    Claim(
        "B7",
        "The II of K-Means doesn't depend on K",
        "B 3",
        _largest_against_smallest_k,
        verdict_negligible,
    ),
    Claim(
        "B8",
        "K-Means beats neurons in each layer of the perceptual metric",
        "B 3",
        _each_backbone_layer,
    ),
    Claim(
        "B9", "K-Means beats neurons on both halves of the units", "B 3", needs=_INTERPRETABILITY
    ),
    Claim("B10", "In-silico accuracy falls with difficulty", "B 5", needs=_INTERPRETABILITY),
    Claim(
        "B11",
        "Directions are easier than neurons for each similarity, most for colour",
        "B 5",
        needs=_INTERPRETABILITY,
    ),
    Claim("B12", "Interpretable units are sparser on the manifold", "B 6", needs=_INTERPRETABILITY),
    Claim("B13", "II falls between centroids", "B 7", needs=_INTERPRETABILITY),
    Claim("B14", "The gradient norm is lower at centroids", "B 7", needs=_INTERPRETABILITY),
    Claim("B15", "II anti-correlates with the gradient norm", "B 7", needs=_INTERPRETABILITY),
    Claim(
        "B16", "Most synergies are negative, with a positive tail", "B 8", needs=_INTERPRETABILITY
    ),
    Claim("B17", "Synergy rises with correlation", "B 8", needs=_INTERPRETABILITY),
    Claim("B18", "II anti-correlates with the best synergy", "B 8", needs=_INTERPRETABILITY),
    Claim("B19", "Co-activation anti-correlates with II", "B 10", needs=_INTERPRETABILITY),
    Claim(
        "B20", "Exponents in the CNN are at most -1", "B 11", _largest_exponent, verdict_negative
    ),
    Claim("B21", "In-silico choices predict people's", "B 2", needs=_INTERPRETABILITY),
    Claim(
        "C1", "K-Means directions have a higher II than exemplars", "ours", kmeans_over("exemplar")
    ),
    Claim(
        "C2",
        "The gain of K-Means over neurons survives in an untrained network",
        "ours",
        kmeans_over("neurons", trained=False),
    ),
    Claim(
        "C3", "The dropout effects survive recalibrated BatchNorm statistics", "ours", needs=_CODING
    ),
    Claim(
        "C4",
        "II depends on the share of overlapping or flat images in the set",
        "ours",
        _other_sets,
        verdict_effect,
    ),
)
