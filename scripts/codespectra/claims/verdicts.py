"""What a claim is, and how it is judged: by its interval alone (methods §10).

A claim is a sentence, what its statistic must do, and a function that computes the statistic from
the tables of a study. What its tables come from is a target of the workflow; while a table is
missing, the claim is `not run`, and its reason names the target.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pandas as pd

from codespectra.claims.measures.tables import Measure, Tables
from codespectra.statistics.evidence import NOT_RUN, Judge, verdict_positive

# The tables behind each target; a claim of that target needs them all.
TABLES = {
    "spectra": ("exponents", "bootstrap"),
    "projections": ("action",),
    "layers": ("exponents", "action"),
    "index": ("scores", "resampled"),
    "autoencoders": ("scores", "resampled", "autoencoders", "autoencoders_resampled"),
    "halves": ("halves", "halves_resampled"),
    "psychophysics": ("psychophysics",),
    "people": ("agreement",),
    "manifold": ("manifold_units",),
    "coactivation": ("coactivation",),
    "sensitivity": ("paths", "gradients", "centroids"),
    "synergy": ("synergies", "synergy_units"),
    "coding": ("exponents", "bootstrap", "action", "networks"),
    "language": ("language_exponents", "language_bootstrap"),
    "explanations": ("explanations",),
    "superposition": ("superposition",),
    "information": ("information",),
    "capacity": ("capacity",),
}
# How a user gets them, if not by the main job, whose own are there unless its config has none.
TARGETS = (
    {"coding": "coding"}
    | dict.fromkeys(("superposition", "information", "capacity"), "theory")
    | dict.fromkeys(("language", "explanations"), "language")
    | dict.fromkeys(
        (
            *("autoencoders", "halves", "psychophysics", "manifold", "coactivation"),
            *("sensitivity", "synergy"),
        ),
        "interpretability",
    )
)
NO_PEOPLE = "name people's answers in the config's section people, as paper_psychophysics.yaml does"


@dataclass(frozen=True)
class Claim:
    """One claim: id, the sentence, the paper's figure, and how it is measured and judged.

    `needs` is a key of `TABLES`.
    """

    id: str
    sentence: str
    figure: str
    needs: str
    measure: Measure
    judge: Judge = verdict_positive


def judge_claims(
    claims: Iterable[Claim], tables: Tables, *, measured_only: bool = False
) -> pd.DataFrame:
    """All claims, a row each scope: id, claim, figure, scope, statistic, estimate, low, high, n,
    p, verdict, reason (of `not run`).

    With `measured_only`, claims that are `not run` are left out.
    """
    rows = []
    for claim in claims:
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
    lacking = [name for name in TABLES[claim.needs] if getattr(tables, name) is None]
    if not lacking:
        return ""
    if claim.needs == "people":
        return NO_PEOPLE
    target = TARGETS.get(claim.needs)
    if target is None:
        return NOTHING_TO_MEASURE
    return f"run `snakemake {target}`, or `snakemake everything` for all claims in one table"


COLUMNS = [
    *("id", "claim", "figure", "scope", "statistic", "estimate", "low", "high", "n", "p"),
    *("verdict", "reason"),
]
NOTHING_TO_MEASURE = "this study's config runs nothing that measures it"
