"""What a claim is, and how it is judged: by its interval alone (methods §10).

A claim is a sentence, what its statistic must do, and a function that computes the statistic from
the tables of a study. They come from a target of the workflow (`NEEDS`); while one is missing, the
claim is `not run`, and its reason names the target.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pandas as pd

from codespectra.claims.measures.tables import Measure, Tables
from codespectra.claims.needs import NEEDS
from codespectra.files.table_reductions import reductions_in_words
from codespectra.statistics.evidence import NOT_RUN, Judge, verdict_positive

NO_PEOPLE = "name people's answers in the config's section people, as paper_psychophysics.yaml does"


@dataclass(frozen=True)
class Claim:
    """One claim: id, the sentence, the paper's figure, and how it is measured and judged.

    `needs` is one of those that `NEEDS` names under a target.
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
    p, verdict, reason (of `not run`). A scope ends with the reduction of the activations.

    With `measured_only`, claims that are `not run` are left out.
    """
    rows = []
    for claim in claims:
        head = {"id": claim.id, "claim": claim.sentence, "figure": claim.figure}
        reason = _missing(claim, tables)
        found = [] if reason else list(claim.measure(tables))
        reduced = reductions_in_words({kind: getattr(tables, kind) for kind in _needs(claim)[1]})
        for evidence in found:
            verdict = claim.judge(evidence.low, evidence.high)
            scope = ", ".join(filter(None, (evidence.scope, reduced)))
            judged = {"scope": scope, "verdict": verdict, "reason": ""}
            rows.append(head | asdict(evidence) | judged)
        if not found and not measured_only:
            rows.append(head | {"verdict": NOT_RUN, "reason": reason or NOTHING_TO_MEASURE})
    return pd.DataFrame(rows, columns=COLUMNS)


def _needs(claim: Claim) -> tuple[str, tuple[str, ...]]:
    """The target that makes what a claim needs, and the kinds of its tables."""
    target = next(target for target, needs in NEEDS.items() if claim.needs in needs)
    return target, NEEDS[target][claim.needs]


def _missing(claim: Claim, tables: Tables) -> str:
    """Why a claim can't be measured from these tables; empty if it can."""
    target, kinds = _needs(claim)
    swept = target != "coding" or tables.networks is not None
    if swept and all(getattr(tables, kind) is not None for kind in kinds):
        return ""
    if claim.needs == "people":
        return NO_PEOPLE
    if target == "main":
        return NOTHING_TO_MEASURE
    return f"run `snakemake {target}`, or `snakemake everything` for all claims in one table"


COLUMNS = [
    *("id", "claim", "figure", "scope", "statistic", "estimate", "low", "high", "n", "p"),
    *("verdict", "reason"),
]
NOTHING_TO_MEASURE = "this study's config runs nothing that measures it"
