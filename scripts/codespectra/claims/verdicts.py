"""What a claim is, and how it is judged: by its interval alone (methods §10).

A claim is a sentence, what its statistic must do, and a function that computes the statistic from
the tables of a study, scope by scope. They come from a target of the workflow (`NEEDS`); while one
is missing, the claim is `not run`, and its reason names the target.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from codespectra.claims.judges import (
    CONTRADICTED,
    INCONCLUSIVE,
    MIXED,
    NOT_RUN,
    SUPPORTED,
    Judge,
    Side,
    positive,
)
from codespectra.claims.measures.tables import Measure, Tables
from codespectra.claims.needs import NEEDS
from codespectra.claims.pooling import Cell, Part, cells_of, parts_of
from codespectra.files.table_reductions import reductions_in_words
from codespectra.statistics.false_discoveries import false_discoveries
from codespectra.statistics.hierarchy import Interval, repeats, widened

NO_PEOPLE = "name people's answers in the config's section people, as paper_psychophysics.yaml does"
NOTHING_TO_MEASURE = "this study's config runs nothing that measures it"
# A tenth of the width of a 95 % interval, in reaches (`judges`).
CLOSE = 0.2
# As often may other networks decide otherwise, of so many draws: of 5 without any effect 12 % do.
DOUBT, DRAWS = 0.2, 1000


@dataclass(frozen=True)
class Claim:
    """One claim: id, the sentence, the paper's figure, and how it is measured and judged.

    `needs` is one of those that `NEEDS` names under a target. The sentence speaks of all scopes but
    those that have a facet of `aside`; it says the same of each value of the facets `each`, and of
    each statistic, and holds if all of that does. Over other scopes the mean is meant.
    """

    id: str
    sentence: str
    figure: str
    needs: str
    measure: Measure
    judge: Judge = positive
    each: tuple[str, ...] = ()
    aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def speaks_of(self, facets: Mapping[str, str]) -> bool:
        """Whether the sentence does, of a scope with these facets."""
        return not any(facets.get(name) in values for name, values in self.aside.items())


class Verdicts(NamedTuple):
    """A row a claim; a row a claim and scope; a row a claim and model, networks of any seed."""

    claims: pd.DataFrame
    by_scope: pd.DataFrame
    by_model: pd.DataFrame


def judge_claims(
    claims: Iterable[Claim], tables: Tables, *, measured_only: bool = False
) -> Verdicts:
    """One verdict a claim, controlled over the claims, and those of its scopes beneath it.

    With `measured_only`, claims that are `not run` are left out.
    """
    found = [_Measured.of(claim, tables) for claim in claims]
    measured = [one for one in found if one.cells]
    adjusted, level = false_discoveries([min(one.p()) for one in measured])
    q = {one.claim.id: value for one, value in zip(measured, adjusted, strict=True)}
    shown = measured if measured_only else found
    rows = [one.row(q[one.claim.id], level) if one.cells else one.not_run() for one in shown]
    scopes = [row for one in measured for row in one.scopes()]
    models = [row for one in measured for row in one.models(level, tables.origins)]
    tables_of = ((rows, COLUMNS), (scopes, SCOPE_COLUMNS), (models, MODEL_COLUMNS))
    return Verdicts(*(pd.DataFrame(rows, columns=columns) for rows, columns in tables_of))


@dataclass(frozen=True)
class _Measured:
    """A claim in every scope of a study."""

    claim: Claim
    cells: list[Cell]
    spoken: list[Cell]
    parts: list[Part]
    reduced: str
    reason: str

    @classmethod
    def of(cls, claim: Claim, tables: Tables) -> "_Measured":
        reason = _missing(claim, tables)
        evidence = [] if reason else list(claim.measure(tables))
        cells = cells_of(evidence, tables.replicates)
        spoken = [cell for cell in cells if claim.speaks_of(_facets(cell, tables))]
        reduced = reductions_in_words({kind: getattr(tables, kind) for kind in _needs(claim)[1]})
        parts = parts_of(spoken, claim.each)
        return cls(claim, cells, spoken, parts, reduced, reason or NOTHING_TO_MEASURE)

    def side(self, found: Interval) -> Side:
        return Side(*self.claim.judge(found), found.freedom)

    def p(self) -> tuple[float, float]:
        """Levels for and against: every part must hold (Berger 1982), one refutes (Bonferroni)."""
        levels = [self.side(part.interval).p(len(self.parts)) for part in self.parts]
        if not levels:
            return 1.0, 1.0
        held, refuted = zip(*levels, strict=True)
        return max(held), min(refuted)

    def verdict(self, level: float, shift: float = 0) -> str:
        if any(self.is_mixed(part, shift) for part in self.parts):
            return MIXED
        return self.decided([part.interval for part in self.parts], level, shift)

    def decided(self, parts: Sequence[Interval], level: float, shift: float = 0) -> str:
        """The verdict on its parts' intervals, whatever single scopes say."""
        found = [self.side(one).stands(level, shift, len(parts)) for one in parts]
        if found and all(one == SUPPORTED for one in found):
            return SUPPORTED
        return CONTRADICTED if CONTRADICTED in found else INCONCLUSIVE

    def is_close(self, level: float) -> bool:
        """Whether a tenth of a width, or as many other networks, would easily decide otherwise."""
        verdict = self.verdict(level)
        if any(self.verdict(level, shift) != verdict for shift in (-CLOSE, CLOSE)):
            return True
        if verdict == MIXED or not any(part.interval.between for part in self.parts):
            return False
        drawn = [repeats(part.interval, DRAWS, i) for i, part in enumerate(self.parts)]
        others = [self.decided(parts, level) != verdict for parts in zip(*drawn, strict=True)]
        return bool(np.mean(others) > DOUBT)

    @cached_property
    def scope_level(self) -> float:
        """The level of single scopes, which is controlled over all scopes of the claim."""
        return false_discoveries([min(self.side(cell.interval).p()) for cell in self.cells])[1]

    def is_mixed(self, part: Part, shift: float = 0) -> bool:
        """Whether some scopes of a part support the claim and others contradict it."""
        level = self.scope_level
        found = {self.side(cell.interval).stands(level, shift) for cell in part.cells}
        return {SUPPORTED, CONTRADICTED} <= found

    def deciding(self, level: float) -> Part:
        """The part that the verdict hangs on: that which refutes it, is mixed, or holds least."""
        verdict = self.verdict(level)
        if verdict == MIXED:
            return next(part for part in self.parts if self.is_mixed(part))
        sides = [self.side(part.interval) for part in self.parts]
        held, refuted = np.transpose([side.p(len(sides)) for side in sides])
        return self.parts[int(refuted.argmin() if verdict == CONTRADICTED else held.argmax())]

    def head(self) -> dict[str, str]:
        return {"id": self.claim.id, "claim": self.claim.sentence, "figure": self.claim.figure}

    def not_run(self) -> dict[str, Any]:
        return self.head() | {"verdict": NOT_RUN, "reason": self.reason}

    def row(self, q: float, level: float) -> dict[str, Any]:
        verdict = self.verdict(level)
        row = self.head() | {"p": min(self.p()), "q": q, "verdict": verdict, "reason": ""}
        row |= {"close_call": YES if self.is_close(level) else NO}
        if not self.parts:
            return row | {"parts": 0, "scopes": 0, "left_out": len(self.cells)}
        part = self.deciding(level)
        return (
            row
            | self.numbers(part.interval, level)
            | {
                "parts": len(self.parts),
                "part": part.what,
                "statistic": part.statistic,
                "scopes": len(part.cells),
                "left_out": part.left_out,
            }
        )

    def numbers(self, found: Interval, level: float) -> dict[str, Any]:
        """An interval, over what it is, and how far it lies on the claim's side."""
        own, other, freedom = self.side(found)
        among = 1 if own >= other else len(self.parts)
        margin = own if own >= other else -other
        return {
            "estimate": found.estimate,
            "low": found.low,
            "high": found.high,
            "over": _over(found.networks),
            "margin": margin if np.isfinite(found.low) else np.nan,
            "border": widened(freedom, level / among),
        }

    def scopes(self) -> Iterable[dict[str, Any]]:
        level = self.scope_level
        for cell in self.cells:
            found = cell.interval
            yield self.head() | {
                "scope": ", ".join(filter(None, (cell.scope, self.reduced))),
                "counts": YES if cell in self.spoken else NO,
                "statistic": cell.statistic,
                "estimate": found.estimate,
                "low": found.low,
                "high": found.high,
                "over": _over(found.networks),
                "n": cell.n,
                "p": cell.p,
                "verdict": self.side(found).stands(level),
                "reason": "",
            }

    def models(self, level: float, origins: Mapping[str, str]) -> Iterable[dict[str, Any]]:
        """The part that decides, in each model."""
        for model, found in self.deciding(level).models.items() if self.parts else ():
            if model:
                where = {"model": model, "origin": origins.get(model, "")}
                yield self.head() | where | self.numbers(found, level)


def _over(networks: int | None) -> str:
    """What an interval is over, as far as networks go."""
    if networks is None:
        return ""
    return ONE_NETWORK if networks == 1 else f"{networks} networks"


def _facets(cell: Cell, tables: Tables) -> dict[str, str]:
    """Of its scope, and which BatchNorm statistics its networks have if they are the sweep's."""
    network = (tables.networks or {}).get(next(iter(cell.networks)), {})
    return {"statistics": network.get("statistics", "").replace("_", " ")} | cell.scope.facets


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


ONE_NETWORK = "one network"
YES, NO = "yes", "no"
HEAD = ["id", "claim", "figure"]
NUMBERS = ["estimate", "low", "high", "over"]
COLUMNS = [
    *(*HEAD, "parts", "part", "statistic", *NUMBERS, "scopes", "left_out"),
    *("p", "q", "margin", "border", "close_call", "verdict", "reason"),
]
SCOPE_COLUMNS = [*HEAD, "scope", "counts", "statistic", *NUMBERS, "n", "p", "verdict", "reason"]
MODEL_COLUMNS = [*HEAD, "model", "origin", *NUMBERS, "margin", "border"]
