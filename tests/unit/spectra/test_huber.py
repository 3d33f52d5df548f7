"""Huber lines: scikit-learn's problem, solved at least as well, many at once."""

import numpy as np
import pytest
from sklearn.linear_model import HuberRegressor

from codespectra.spectra.huber import EPSILON, huber_lines

X = np.log(np.arange(10, 51))


def noisy(kind: str, lines: int = 12) -> np.ndarray:
    """Lines of slope -1.2 and intercept 3 with noise, and outliers of some kind."""
    rng = np.random.default_rng(0)
    y = -1.2 * X + 3 + 0.01 * rng.standard_normal((lines, len(X)))
    if kind == "cliff":
        y[:, -5:] -= 2
    if kind == "heavy tails":
        y[:, :9] += rng.standard_t(1, (lines, 9))
    if kind == "steps":
        y = np.sort(y + np.cumsum(0.1 * rng.standard_normal(y.shape), axis=1), axis=1)[:, ::-1]
    return y


def objective(y: np.ndarray, slope: float, intercept: float) -> float:
    """The problem's value at a line, its scale found on a fine grid."""
    residual = np.abs(y - intercept - slope * X)[:, None]
    scale = np.geomspace(1e-4, 10, 3000) * residual.max()
    inside = residual <= EPSILON * scale
    terms = np.where(inside, residual**2 / scale, 2 * EPSILON * residual - scale * EPSILON**2)
    return float((len(y) * scale + terms.sum(axis=0)).min())


def scikit_learn(y: np.ndarray) -> tuple[float, float]:
    """Its line, from residuals of unit spread and without ridge, where it converges best."""
    slope, intercept = np.polyfit(X, y, 1)
    residual = y - intercept - slope * X
    spread = residual.std()
    fitted = HuberRegressor(max_iter=10_000, alpha=0, tol=1e-12)
    fitted.fit((X - X.mean())[:, None], residual / spread)
    tilt = spread * fitted.coef_[0]
    return slope + tilt, intercept + spread * fitted.intercept_ - tilt * X.mean()


@pytest.mark.parametrize("kind", ["plain", "cliff", "heavy tails", "steps"])
def test_lines_are_those_of_scikit_learn_or_better(kind: str) -> None:
    y = noisy(kind)
    slopes, intercepts = huber_lines(X, y)
    theirs = np.array([scikit_learn(line) for line in y])
    np.testing.assert_allclose(slopes, theirs[:, 0], atol=2e-4)
    for line, slope, intercept, other in zip(y, slopes, intercepts, theirs, strict=True):
        assert objective(line, slope, intercept) <= objective(line, *other) * (1 + 1e-6)


def test_a_line_is_fitted_alike_alone_and_among_others() -> None:
    y = np.concatenate([noisy("cliff"), noisy("heavy tails")])
    together = huber_lines(X, y)
    alone = [huber_lines(X, line[None]) for line in y]
    np.testing.assert_allclose(together[0], [slope for (slope,), _ in alone], atol=1e-8)
    np.testing.assert_allclose(together[1], [level for _, (level,) in alone], atol=1e-8)


@pytest.mark.parametrize("size", [1e-15, 1, 1e6])
@pytest.mark.parametrize(
    ("y", "line"),
    [
        ([0, 0, 9, 0, 0], (0, 0)),
        ([0, 0, 1, -2, 1, 0, 0], (0, 0)),  # least squares starts on the line
        ([0, 1, 2, 30, 4, 5, 6], (1, 0)),
        ([7, 5, 3, 1, 9, -3, -5, -7], (-2, 7)),
    ],
)
def test_a_line_that_most_points_lie_on_is_found(y, line, size) -> None:
    """The scale collapses on it: both slope and intercept are those of the other points."""
    x = np.arange(len(y), dtype=float)
    found = np.ravel(huber_lines(x, size * np.array([y], dtype=float)))
    np.testing.assert_allclose(found / size, line, atol=1e-6)


def test_exact_lines_come_back_exactly() -> None:
    slopes, intercepts = np.array([-1.0, 0.0, 2.5]), np.array([3.0, -1.0, 0.0])
    found = huber_lines(X, intercepts[:, None] + slopes[:, None] * X)
    np.testing.assert_allclose(found, (slopes, intercepts), atol=1e-12)


def test_shift_and_scale_of_the_points_shift_and_scale_the_line() -> None:
    y = noisy("heavy tails")
    slopes, intercepts = huber_lines(X, y)
    shifted = huber_lines(X + 2, 5 * y + 1)
    np.testing.assert_allclose(shifted[0], 5 * slopes, atol=1e-6)
    np.testing.assert_allclose(shifted[1], 5 * intercepts + 1 - 2 * 5 * slopes, atol=1e-5)
