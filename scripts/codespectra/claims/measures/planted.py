"""The index against the recovery of planted dictionaries (B fig. 9 A)."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Tables
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence, mean_over_seeds
from codespectra.statistics.rank_correlation import spearman_rows

DATA_SET = ["atoms", "density", "noise"]
FEWEST = 5  # dictionaries that are ranked
RANKS = "Spearman's rho of index and MMCS, less 0.5"
# MMCS over planted features, and the other way around: over directions.
OF_FEATURES, OF_DIRECTIONS = "of planted features", "of directions"


def index_ranks_dictionaries(tables: Tables) -> Iterator[Evidence]:
    """Rho over all dictionaries found in a data set of their mean index with their MMCS, less 0.5.

    A quarter of the variance of ranks in common isn't yet a proxy.
    """
    for scope, found in _data_sets(tables.planted):
        for what, column in ((OF_FEATURES, "mmcs"), (OF_DIRECTIONS, "mmcs_found")):
            yield mean_over_seeds(scope.at(mmcs=what), RANKS, _rank_correlations(found, column))


def index_follows_autoencoders(tables: Tables) -> Iterator[Evidence]:
    """The same over sparse autoencoders alone, where a data set has a grid of sizes and penalties.

    The paper compares two such grids by eye: the MMCS of planted data and the index of a network.
    """
    for scope, found in _data_sets(tables.planted[tables.planted["method"] == "sae"]):
        if found["size"].nunique() > 1 and found["l1"].nunique() > 1:
            yield mean_over_seeds(scope, RANKS, _rank_correlations(found, "mmcs"))


def kmeans_over_best_autoencoder(tables: Tables) -> Iterator[Evidence]:
    """MMCS of K-Means less that of the sparse autoencoder of the same size whose penalty is best.

    The penalty with the highest mean over seeds: choosing favours the autoencoders.
    """
    for scope, found in _data_sets(tables.planted):
        for size, rows in found.dropna(subset="size").groupby("size"):
            sae = rows[rows["method"] == "sae"].pivot(index="seed", columns="l1", values="mmcs")
            if sae.notna().any(axis=None):
                best = sae[sae.mean().idxmax()]
                kmeans = rows[rows["method"] == "kmeans"].set_index("seed")["mmcs"]
                yield mean_over_seeds(
                    scope.at(size=f"{size:g} directions"),
                    "difference in MMCS",
                    (kmeans - best).to_numpy(),
                )


def _data_sets(table: pd.DataFrame) -> Iterator[tuple[Scope, pd.DataFrame]]:
    for (atoms, density, noise), found in table.groupby(DATA_SET, sort=False):
        words = {"density": f"density {density:g}", "noise": f"noise {noise:g}"}
        yield Scope(atoms=f"{atoms} atoms", **words), found


def _rank_correlations(found: pd.DataFrame, column: str) -> np.ndarray:
    """Less 0.5, of each seed; nan with fewer than `FEWEST` dictionaries that have both."""
    values = []
    for _, rows in found.groupby("seed"):
        pairs = rows[["ii", column]].dropna().to_numpy().T
        enough = pairs.shape[1] >= FEWEST
        values.append(spearman_rows(pairs[:1], pairs[1:])[0] - 0.5 if enough else np.nan)
    return np.array(values)
