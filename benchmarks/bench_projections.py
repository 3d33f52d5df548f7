"""The action of random projections against a loop over 1000 draws."""

from collections.abc import Iterator

import numpy as np
from side_by_side import Row, compare, show

from codespectra.spectra import projections

DRAWS = 1000
FRAMES = 200
SHARE = 100  # draws that the peer is timed on at 100,000 units
UNITS, MANY_UNITS = 8_000, 100_000
SMALL = {"DRAWS": 20, "FRAMES": 10, "SHARE": 5, "UNITS": 30, "MANY_UNITS": 50}


def film(dimensions: int) -> np.ndarray:
    """Rectified responses (frames, dimensions) to a dot on a circle."""
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(FRAMES)[:, None] / FRAMES
    waves = [np.cos(k * angle + 2 * np.pi * rng.random(dimensions)) / k for k in (1, 2, 5, 20)]
    return np.maximum(sum(waves), 0).astype(np.float32)


def loop(activations: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Trajectories (draws, n, 3) and their actions (draws,), one draw at a time."""
    trajectories = np.empty((draws, len(activations), 3), dtype=np.float32)
    actions = np.empty(draws)
    for draw in range(draws):
        r = projections.projection(activations.shape[1], draw=draw, seed=0)
        trajectories[draw] = activations @ r
        actions[draw] = 0.5 * np.sum(np.diff(trajectories[draw], axis=0) ** 2)
    return trajectories, actions


def rooted(activations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    root = projections.trajectory_root(activations)
    trajectories = projections.draw_trajectories(root, draws=DRAWS, seed=0)
    return trajectories, projections.action(trajectories)


def seeded(activations: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray]:
    trajectories = projections.seeded_projections(activations, draws=draws, seed=0)
    return trajectories, projections.action(trajectories)


def rows() -> Iterator[Row]:
    small, large = film(UNITS), film(MANY_UNITS)
    yield compare(
        f"mean and variance of the action, {FRAMES} frames x {UNITS:,} units",
        f"a loop over {DRAWS} draws",
        lambda: loop(small, DRAWS),
        lambda: projections.expected_action(small),
        at_least=50,
    )
    yield compare(
        f"{DRAWS} trajectories and actions, {FRAMES} frames x {MANY_UNITS:,} units",
        "a loop over the draws",
        lambda: loop(large, SHARE),
        lambda: rooted(large),
        at_least=70,
        theirs_scale=DRAWS / SHARE,
    )
    yield compare(
        f"{SHARE} seeded trajectories, {FRAMES} frames x {MANY_UNITS:,} units",
        "a loop over the same draws",
        lambda: loop(large, SHARE),
        lambda: seeded(large, SHARE),
        at_least=3,
    )


if __name__ == "__main__":
    show(rows())
