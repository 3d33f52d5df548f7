"""Random projections of a text's tokens: a sequence is a film, its tokens the frames.

`projections` says what a projection and its action are (paper A, fig. 4 and 7c).
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codespectra.capture.rows import Rows
from codespectra.errors import UserError
from codespectra.spectra import projections
from codespectra.statistics.intervals import mean_interval

MEASURES = ("action", "relative_action", "roughness")
FEWEST_TOKENS = 2  # for a step from one to the next


def films(sequence: NDArray) -> list[slice]:
    """Rows of each sequence, as slices.

    Args:
        sequence: (R,) of each row, ascending from 0.
    """
    bounds = np.searchsorted(sequence, np.arange(sequence[-1] + 2))
    return [slice(int(start), int(stop)) for start, stop in pairwise(bounds)]


def chosen_film(sequences: list[slice], passage: int) -> slice:
    """Rows of the sequence that the config names.

    Args:
        sequences: what `films` returns.
        passage: number of the sequence, counted from 0.

    Raises:
        UserError: there is no such sequence, or it has no two tokens.
    """
    if passage >= len(sequences):
        raise UserError(
            f"language.passage: {passage}, but the {len(sequences)} captured sequences are counted "
            f"from 0; choose one up to {len(sequences) - 1} or raise language.sequences"
        )
    film = sequences[passage]
    if film.stop - film.start < FEWEST_TOKENS:
        raise UserError(
            f"language.passage: sequence {passage} has {film.stop - film.start} tokens, needs "
            f"{FEWEST_TOKENS} for a trajectory; choose another"
        )
    return film


def film_measures(rows: Rows, sequences: list[slice]) -> NDArray[np.float64]:
    """Exact expected action of each film, the same at unit variance, and its roughness, (S, 3).

    `MEASURES` in order. Films of fewer than two tokens are left out. The second is 3 / D times the
    third, as both divide by the film's own variance; what doesn't vary has neither, nan.

    Args:
        rows: (R, D), array or HDF5 dataset, read film by film.
        sequences: what `films` returns.
    """
    return np.array(
        [_measures(rows[film]) for film in sequences if film.stop - film.start >= FEWEST_TOKENS]
    ).reshape(-1, len(MEASURES))


def _measures(activations: NDArray) -> tuple[float, float, float]:
    """`MEASURES` of one film (T, D)."""
    action = projections.expected_action(activations).mean
    scale = projections.unit_variance_scale(activations)
    return action, action * scale**2, projections.roughness(activations)


def action_columns(measures: NDArray) -> dict[str, float]:
    """Mean over films and its 95 % interval (Student's) of each measure.

    Args:
        measures: (S, 3) of `film_measures`.
    """
    columns: dict[str, float] = {"sequences": len(measures)}
    for name, values in zip(MEASURES, measures.T, strict=True):
        columns |= dict(
            zip([name, f"{name}_low", f"{name}_high"], mean_interval(values), strict=True)
        )
    return columns


class Passage(NamedTuple):
    """Drawn trajectories of one film.

    Attributes:
        trajectories: (1 + keep, T, 3): the one with the least action of all draws, then the first
            draws.
        least: action of the former.
        expected: exact expectation of the action.
    """

    trajectories: NDArray[np.float32]
    least: float
    expected: float


def project_passage(activations: NDArray, *, draws: int, keep: int, seed: int) -> Passage:
    """Random projections of one film (T, D), and which of them is the smoothest."""
    root = projections.trajectory_root(activations)
    drawn = projections.draw_trajectories(root, draws=draws, seed=seed)
    action = projections.action(drawn)
    kept = np.concatenate([drawn[action.argmin()][None], drawn[:keep]])
    return Passage(kept, float(action.min()), projections.expected_action(activations).mean)
