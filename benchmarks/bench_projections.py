"""Goals 4a-4c: the action of random projections against a loop over 1000 draws."""

import numpy as np
from side_by_side import compare

from codespectra.spectra import projections

DRAWS = 1000
FRAMES = 200
SHARE = 100  # draws that the baseline is timed on at 100,000 units


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


def main() -> None:
    small, large = film(8_000), film(100_000)
    compare(
        "4a",
        "mean and variance of the action, n=200 m=8,000",
        lambda: loop(small, DRAWS),
        lambda: projections.expected_action(small),
        at_least=50,
        repeats=5,
    )
    compare(
        "4b",
        "1000 trajectories and actions, n=200 m=100,000",
        lambda: loop(large, SHARE),
        lambda: rooted(large),
        at_least=70,
        baseline_scale=DRAWS / SHARE,
    )
    compare(
        "4c",
        "the same 1000 seeded draws, n=200 m=100,000",
        lambda: loop(large, DRAWS),
        lambda: seeded(large, DRAWS),
        at_least=3,
    )


if __name__ == "__main__":
    main()
