"""The tables of a study as the claims' measures get them, and their rows by scope."""

from collections.abc import Callable, Iterator

import pandas as pd

from codespectra.statistics.evidence import Evidence


class Tables(dict[str, pd.DataFrame]):
    """The tables that a study has made, by kind, and how to resample them.

    `trained` names the models whose weights were learned; claims of the papers are about these.
    `networks` are those of the dropout sweep by name: dropout, seed, statistics; None without one.
    `analysis_set` is the stimulus set of the directions' first run; other sets are controls.
    """

    def __init__(
        self,
        *,
        draws: int,
        seed: int,
        trained: tuple[str, ...] = (),
        analysis_set: str = "",
        networks: dict[str, dict] | None = None,
        **tables: pd.DataFrame,
    ):
        """Hold tables, each under its kind."""
        super().__init__(tables)
        self.draws, self.seed = draws, seed
        self.trained, self.analysis_set, self.networks = trained, analysis_set, networks

    @property
    def resampling(self) -> dict[str, int]:
        """Keyword arguments of the bootstraps."""
        return {"draws": self.draws, "seed": self.seed}


Measure = Callable[[Tables], Iterator[Evidence]]


def by_scope(
    table: pd.DataFrame, keys: list[str], models: tuple[str, ...]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of these models by run and `keys`, each with its scope in words."""
    for (model, stimuli, *rest), rows in table.groupby(["model", "stimuli", *keys], sort=False):
        if model in models:
            yield ", ".join([f"{model} on {stimuli}", *rest]), rows
