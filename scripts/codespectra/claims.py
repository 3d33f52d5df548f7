"""Every claim of the two papers, and our own, judged by intervals alone (methods §10).

A claim is a sentence, what its statistic must do, and a function that computes the statistic from
the tables of a study. What its tables come from is a target of the workflow; while a table is
missing, the claim is `not run`, and its reason names the target.
"""

from dataclasses import asdict, dataclass

import pandas as pd

from codespectra.evidence import (
    NOT_RUN,
    Judge,
    verdict_effect,
    verdict_negative,
    verdict_negligible,
    verdict_positive,
)
from codespectra.measures import dropout, index, layers, theory
from codespectra.measures.tables import Measure, Tables

# The tables behind each target; a claim of that target needs them all.
TABLES = {
    "layers": ("exponents", "bootstrap", "action"),
    "index": ("scores",),
    "coding": ("exponents", "bootstrap", "action", "networks"),
    "superposition": ("superposition",),
    "information": ("information",),
    "capacity": ("capacity",),
}
# How a user gets them.
TARGETS = {"coding": "coding"} | dict.fromkeys(
    ("superposition", "information", "capacity"), "theory"
)


@dataclass(frozen=True)
class Claim:
    """One claim: id, the sentence, the paper's figure, and how it is measured and judged.

    `needs` is a key of `TABLES`, or, without a measure, the study that would reach it.
    """

    id: str
    sentence: str
    figure: str
    needs: str
    measure: Measure | None = None
    judge: Judge = verdict_positive


def judge_claims(tables: Tables, *, measured_only: bool = False) -> pd.DataFrame:
    """All claims, a row each scope: id, claim, figure, scope, statistic, estimate, low, high, n,
    p, verdict, reason (of `not run`).

    With `measured_only`, claims that are `not run` are left out.
    """
    rows = []
    for claim in CLAIMS:
        head = {"id": claim.id, "claim": claim.sentence, "figure": claim.figure}
        reason = _missing(claim, tables)
        found = [] if reason else list(claim.measure(tables))
        for evidence in found:
            verdict = claim.judge(evidence.low, evidence.high)
            rows.append(head | asdict(evidence) | {"verdict": verdict, "reason": ""})
        if not found and not measured_only:
            rows.append(head | {"verdict": NOT_RUN, "reason": reason or NOTHING_TO_MEASURE})
    return pd.DataFrame(rows, columns=COLUMNS)


def _missing(claim: Claim, tables: Tables) -> str:
    """Why a claim can't be measured from these tables; empty if it can."""
    if claim.measure is None:
        return f"needs the study `{claim.needs}`, which this version doesn't have yet"
    lacking = [name for name in TABLES[claim.needs] if getattr(tables, name) is None]
    if not lacking:
        return ""
    target = TARGETS.get(claim.needs, "main")
    return f"run `snakemake {target}`, or `snakemake everything` for all claims in one table"


COLUMNS = [
    *("id", "claim", "figure", "scope", "statistic", "estimate", "low", "high", "n", "p"),
    *("verdict", "reason"),
]
NOTHING_TO_MEASURE = "this study's config runs nothing that measures it"

CLAIMS = (
    Claim(
        "A1",
        "Dimensions per feature follow the compression rate R(S)",
        "A 1c",
        "superposition",
        theory.rate_explains_toys,
    ),
    Claim(
        "A2",
        "Networks trained with dropout keep information, untrained ones lose it exponentially",
        "A-supp 1",
        "information",
        theory.information_kept,
    ),
    Claim("A3", "The bounds of theorem 3 hold", "A 2", "capacity", theory.bounds_hold),
    Claim(
        "A4",
        "The spectrum's decay is non-monotonic over depth",
        "A 3c",
        "layers",
        layers.non_monotonic,
    ),
    Claim(
        "A5",
        "The exponent and the action of projections correlate",
        "A 4d",
        "layers",
        layers.exponent_and_action,
    ),
    Claim(
        "A6",
        "Dropout lowers the exponent",
        "A 6b",
        "coding",
        dropout.exponent_on_dropout,
        verdict_negative,
    ),
    Claim(
        "A7",
        "Dropout lowers the action",
        "A 6c",
        "coding",
        dropout.action_on_dropout,
        verdict_negative,
    ),
    Claim(
        "A8",
        "Dropout and depth raise the explained input variance",
        "A 6d",
        "coding",
        dropout.read_out_on_dropout_and_depth,
    ),
    Claim(
        "A9",
        "Low action goes with high explained input variance",
        "A 6e",
        "layers",
        layers.action_and_explained,
        verdict_negative,
    ),
    Claim(
        "A10",
        "Dropout raises the spectrum's curvature in late layers",
        "A 5",
        "coding",
        dropout.bend_on_dropout,
    ),
    Claim("A11", "Language-model exponents stay above -1", "A 7a", "language"),
    Claim("A12", "Neuron and projection scores run opposite over depth", "A 7b", "language"),
    Claim(
        "B1",
        "K-Means directions have a higher II than neurons",
        "B 3",
        "index",
        index.kmeans_over("neurons"),
    ),
    Claim("B2", "K-Means directions have a higher II than PCA", "B 3", "interpretability"),
    Claim("B3", "K-Means directions have a higher II than ICA", "B 3", "interpretability"),
    Claim("B4", "K-Means directions have a higher II than NMF", "B 3", "interpretability"),
    Claim("B5", "K-Means directions have a higher II than SAEs", "B 9", "interpretability"),
    Claim(
        "B6",
        "K-Means directions have a higher II than random ones",
        "B 3",
        "index",
        index.kmeans_over("random"),
    ),
    Claim(
        "B7",
        "The II of K-Means doesn't depend on K",
        "B 3",
        "index",
        index.largest_against_smallest_k,
        verdict_negligible,
    ),
    Claim(
        "B8",
        "K-Means beats neurons in each layer of the perceptual metric",
        "B 3",
        "index",
        index.each_backbone_layer,
    ),
    Claim("B9", "K-Means beats neurons on both halves of the units", "B 3", "interpretability"),
    Claim("B10", "In-silico accuracy falls with difficulty", "B 5", "interpretability"),
    Claim(
        "B11",
        "Directions are easier than neurons for each similarity, most for colour",
        "B 5",
        "interpretability",
    ),
    Claim("B12", "Interpretable units are sparser on the manifold", "B 6", "interpretability"),
    Claim("B13", "II falls between centroids", "B 7", "interpretability"),
    Claim("B14", "The gradient norm is lower at centroids", "B 7", "interpretability"),
    Claim("B15", "II anti-correlates with the gradient norm", "B 7", "interpretability"),
    Claim("B16", "Most synergies are negative, with a positive tail", "B 8", "interpretability"),
    Claim("B17", "Synergy rises with correlation", "B 8", "interpretability"),
    Claim("B18", "II anti-correlates with the best synergy", "B 8", "interpretability"),
    Claim("B19", "Co-activation anti-correlates with II", "B 10", "interpretability"),
    Claim(
        "B20",
        "Exponents in the CNN are at most -1",
        "B 11",
        "layers",
        layers.largest_exponent,
        verdict_negative,
    ),
    Claim("B21", "In-silico choices predict people's", "B 2", "interpretability"),
    Claim(
        "C1",
        "K-Means directions have a higher II than exemplars",
        "ours",
        "index",
        index.kmeans_over("exemplar"),
    ),
    Claim(
        "C2",
        "The gain of K-Means over neurons survives in an untrained network",
        "ours",
        "index",
        index.kmeans_over("neurons", trained=False),
    ),
    Claim(
        "C3",
        "The dropout effects survive recalibrated BatchNorm statistics",
        "ours",
        "coding",
        dropout.effects_when_recalibrated,
    ),
    Claim(
        "C4",
        "II depends on the share of overlapping or flat images in the set",
        "ours",
        "index",
        index.other_sets,
        verdict_effect,
    ),
)
