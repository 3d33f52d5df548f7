"""Where directions lie: in the spectrum of their layer, and on a map of all that it has.

The scores of a code on its principal components are uncorrelated over stimuli, so that the squared
correlations of a direction's responses with them add up: they are the shares of the variance of
the responses that the components explain. Of a projection all ranks explain 1; of a distance, a
rectified or a nonnegative code less, as far as these aren't linear in the code.
"""

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE

from codespectra.capture.rows import SLAB, Rows, ScaledRows, binary_scale
from codespectra.directions.directions import Directions
from codespectra.directions.read_out import unit_rows
from codespectra.spectra.eigenspectrum import NOISE_FLOOR, Solver, spectrum
from codespectra.statistics.z_scores import standardised

# Ranks that directions are placed among, and bands of them.
LEADING = 200
BANDS = {"ranks_1_10": slice(0, 10), "ranks_11_50": slice(10, 50), "ranks_51_200": slice(50, 200)}
# Of t-SNE; fewer directions take a third of their number.
PERPLEXITY = 30
FEWEST = 4  # directions of a map


def places(
    rows: Rows, methods: dict[str, Directions], *, solver: Solver, seed: int
) -> pd.DataFrame:
    """Places of all directions of a layer in its spectrum and on a map.

    Args:
        rows: activations (N, D).
        methods: the directions by method, with responses of the same N stimuli.
        solver: of `eigenspectrum.spectrum`.
        seed: of the solver and of the map.

    Returns:
        method, direction; variance_share: of the layer's variance along the direction;
        ranks_1_10, ranks_11_50, ranks_51_200: share of the variance of its responses that
        components of these ranks explain; mean_rank: of the leading 200, weighted by what each
        explains; x, y: on the map. Missing of dead directions, and x, y of fewer than 4.
    """
    found = spectrum(rows, components=LEADING, scores=LEADING, solver=solver, seed=seed)
    components = _components(found.scores[:])
    tables = []
    for method, own in methods.items():
        variance = variances_along(rows, own.vectors) / (found.total_variance or np.nan)
        columns = {"method": method, "direction": np.arange(len(own.vectors))}
        columns |= {"variance_share": variance, **_explained(own, components)}
        tables.append(pd.DataFrame(columns))
    dead = np.concatenate([own.dead for own in methods.values()])
    responses = np.concatenate([own.responses for own in methods.values()], axis=1)
    spots = np.full((len(dead), 2), np.nan)
    spots[~dead] = on_a_map(responses[:, ~dead], seed=seed)
    return pd.concat(tables, ignore_index=True).assign(x=spots[:, 0], y=spots[:, 1])


def _components(scores: np.ndarray) -> np.ndarray:
    """Standardised scores (N, p) of the components that have variance."""
    variances = scores.astype(np.float64).var(axis=0)
    return standardised(scores[:, variances > NOISE_FLOOR * variances[0]])


def _explained(own: Directions, components: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of the variance of responses in bands of ranks, and the mean rank, (K,) each."""
    explained = (standardised(own.responses).T @ components / len(components)) ** 2
    columns = {name: explained[:, band].sum(axis=1) for name, band in BANDS.items()}
    whole = explained.sum(axis=1)
    whole[own.dead] = np.nan
    columns["mean_rank"] = explained @ np.arange(1, explained.shape[1] + 1) / whole
    return {name: np.where(own.dead, np.nan, values) for name, values in columns.items()}


def variances_along(rows: Rows, vectors: np.ndarray) -> np.ndarray:
    """Variance (K,) of rows (N, D) along vectors (K, D) of any length, divisor N - 1."""
    scale = binary_scale(rows)
    scaled, directions = ScaledRows(rows, scale), unit_rows(vectors).T
    step = max(1, SLAB // max(directions.shape))
    shift = scaled[:step].mean(axis=0)
    sums, squares = np.zeros(len(vectors)), np.zeros(len(vectors))
    for start in range(0, len(rows), step):
        onto = ((scaled[start : start + step] - shift) @ directions).astype(np.float64)
        sums += onto.sum(axis=0)
        squares += np.square(onto).sum(axis=0)
    return (squares - sums**2 / len(rows)) / (len(rows) - 1) * scale**2


def on_a_map(responses: np.ndarray, *, seed: int) -> np.ndarray:
    """Places (K, 2) of directions with these responses (N, K): a t-SNE.

    Distances are those of the standardised responses, up to sign: (2 - 2 |r|)^1/2. The axes and the
    unit of length mean nothing. Fewer than 4 directions have no place.
    """
    count = responses.shape[1]
    if count < FEWEST:
        return np.full((count, 2), np.nan)
    scaled = standardised(responses)
    distances = np.sqrt(np.clip(2 - 2 * np.abs(scaled.T @ scaled / len(scaled)), 0, None))
    np.fill_diagonal(distances, 0)
    perplexity = min(PERPLEXITY, (count - 1) / 3)
    tsne = TSNE(metric="precomputed", init="random", perplexity=perplexity, random_state=seed)
    return tsne.fit_transform(distances)
