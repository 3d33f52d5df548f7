"""What a study has measured, as the claims look at it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from codespectra.statistics.evidence import Evidence


@dataclass(frozen=True)
class Tables:
    """The tables that there are, and how often to resample them; None for what wasn't run.

    `trained` names the models whose weights were learned; claims of the papers are about these.
    `networks` are those of the coding study by name: dropout, seed, statistics.
    `analysis_set` is the stimulus set that claims about directions are of; other sets are controls.
    """

    resamples: int
    seed: int
    trained: tuple[str, ...] = ()
    analysis_set: str = ""
    networks: dict[str, dict] | None = None
    exponents: pd.DataFrame | None = None
    bootstrap: pd.DataFrame | None = None
    action: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    resampled: pd.DataFrame | None = None
    autoencoders: pd.DataFrame | None = None
    autoencoders_resampled: pd.DataFrame | None = None
    halves: pd.DataFrame | None = None
    halves_resampled: pd.DataFrame | None = None
    psychophysics: pd.DataFrame | None = None
    agreement: pd.DataFrame | None = None
    manifold_units: pd.DataFrame | None = None
    coactivation: pd.DataFrame | None = None
    paths: pd.DataFrame | None = None
    gradients: pd.DataFrame | None = None
    centroids: pd.DataFrame | None = None
    synergies: pd.DataFrame | None = None
    synergy_units: pd.DataFrame | None = None
    language_exponents: pd.DataFrame | None = None
    language_bootstrap: pd.DataFrame | None = None
    explanations: pd.DataFrame | None = None
    superposition: pd.DataFrame | None = None
    information: pd.DataFrame | None = None
    capacity: pd.DataFrame | None = None

    @property
    def resampling(self) -> dict[str, int]:
        """Keyword arguments of the bootstraps."""
        return {"resamples": self.resamples, "seed": self.seed}


Measure = Callable[[Tables], Iterator[Evidence]]


def by_scope(
    table: pd.DataFrame, keys: list[str], models: tuple[str, ...]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of these models by run and `keys`, each with its scope in words."""
    for (model, stimuli, *rest), rows in table.groupby(["model", "stimuli", *keys], sort=False):
        if model in models:
            yield ", ".join([f"{model} on {stimuli}", *rest]), rows
