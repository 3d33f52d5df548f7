"""Goals 4a-4c: the action of random projections against a loop over 1000 draws."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp
from side_by_side import compare

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
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


def assert_law(activations: np.ndarray) -> None:
    """The closed form against float64, and the loop's sample within 4 standard errors of it."""
    steps = np.diff(activations.astype(np.float64), axis=0)
    gram, dimensions = steps @ steps.T, activations.shape[1]
    exact = 1.5 * np.trace(gram) / dimensions, 1.5 * np.sum(gram**2) / dimensions**2
    law = projections.expected_action(activations)
    np.testing.assert_allclose(law, exact, rtol=1e-5)
    _, actions = loop(activations, DRAWS)
    assert abs(actions.mean() - law.mean) < 4 * np.sqrt(law.variance / DRAWS)
    deviations = (actions - law.mean) ** 2
    assert abs(deviations.mean() - law.variance) < 4 * deviations.std() / np.sqrt(DRAWS)


def assert_same(activations: np.ndarray, actions: np.ndarray) -> None:
    """The root's actions against the law and against `actions` of explicit draws."""
    law = projections.expected_action(activations)
    _, drawn = rooted(activations)
    assert abs(drawn.mean() - law.mean) < 4 * np.sqrt(law.variance / DRAWS)
    assert ks_2samp(drawn, actions).pvalue > 1e-3


def assert_draws(activations: np.ndarray, draws: int) -> None:
    """Each seeded draw's action against its own r in float64."""
    _, actions = seeded(activations, draws)
    wide = activations.astype(np.float64)
    for draw in range(draws):
        r = projections.projection(activations.shape[1], draw=draw, seed=0)
        np.testing.assert_allclose(actions[draw], projections.action(wide @ r), rtol=1e-6)


def main() -> None:
    small, large = film(8_000), film(100_000)
    assert_law(small)
    compare(
        "4a",
        "mean and variance of the action, n=200 m=8,000",
        lambda: loop(small, DRAWS),
        lambda: projections.expected_action(small),
        at_least=50,
        repeats=5,
    )
    _, actions = seeded(large, DRAWS)
    assert_same(large, actions)
    assert_draws(large, 20)
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
