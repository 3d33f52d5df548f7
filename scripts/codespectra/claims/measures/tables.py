"""The tables of a study as the claims' measures get them, and their rows by scope."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, make_dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from codespectra.claims.needs import NEEDS
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence


@dataclass(frozen=True)
class _Study:
    """The tables of a study by kind, None for what wasn't run, and how often to resample them.

    `trained` names the models whose weights were learned; claims of the papers are about these.
    `origins` says of each model where its weights come from, in words; `replicates` of networks
    that only their seeds tell apart which model (`base`) they are. `networks` are those of the
    dropout sweep by name: dropout, seed, statistics; None without one. `photographs` counts
    those that a set's stimuli are crops of, where exponents are resampled by photograph.
    `analysis_sets` are the stimulus sets that claims about directions are of; others are controls.
    """

    resamples: int
    seed: int
    trained: tuple[str, ...] = ()
    analysis_sets: tuple[str, ...] = ()
    networks: dict[str, dict] | None = None
    replicates: dict[str, dict] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    photographs: dict[str, int] = field(default_factory=dict)

    @property
    def resampling(self) -> dict[str, Any]:
        """Keyword arguments of the bootstraps."""
        return {"resamples": self.resamples, "seed": self.seed}


_KINDS = {kind for needs in NEEDS.values() for kinds in needs.values() for kind in kinds}
if TYPE_CHECKING:  # which no checker sees in what is made below

    class Tables(_Study):
        """A study with its tables."""

        def __init__(self, resamples: int, seed: int, **of: Any) -> None: ...
        def __getattr__(self, kind: str) -> pd.DataFrame: ...

else:
    Tables = make_dataclass(
        "Tables",
        [(kind, pd.DataFrame | None, None) for kind in sorted(_KINDS)],
        bases=(_Study,),
        frozen=True,
    )
Measure = Callable[[Tables], Iterator[Evidence]]


def by_scope(
    table: pd.DataFrame, keys: list[str], models: tuple[str, ...]
) -> Iterator[tuple[Scope, pd.DataFrame]]:
    """Rows of these models by run and `keys`, each with its scope."""
    for (model, stimuli, *rest), rows in table.groupby(["model", "stimuli", *keys], sort=False):
        if model in models:
            yield Scope(model, stimuli=stimuli, **dict(zip(keys, rest, strict=True))), rows
