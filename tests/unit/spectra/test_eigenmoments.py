"""Eigenmoments against sums over all cycles, and the laws that have them."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_codes import planted

from codespectra.spectra import eigenmoments, meme
from codespectra.spectra.eigenmoments import Moments, cycle_sums


@given(st.integers(0, 2**32 - 1), st.integers(5, 8), st.booleans())
def test_sums_of_cycles_are_those_over_all_ascending_tuples(seed, size, symmetric):
    rng = np.random.default_rng(seed)
    products = rng.standard_normal((size, size))
    if symmetric:
        products += products.T
    found = cycle_sums(products, 4)
    for order in range(1, 5):
        wanted = np.zeros(size)
        for cycle in combinations(range(size), order):
            around = zip(cycle, (*cycle[1:], cycle[0]), strict=True)
            wanted[list(cycle)] += np.prod([products[i, j] for i, j in around])
        np.testing.assert_allclose(found[order - 1], wanted, atol=1e-10)


def test_over_every_order_of_a_finite_population_they_are_its_moments():
    """Rows drawn without replacement from +-sqrt(3 lambda) along the axes: exact, no sampling."""
    variances = np.array([3.0, 2.0, 1.0])
    axes = np.diag(np.sqrt(3 * variances))
    population = np.concatenate([axes, -axes])
    # With replacement: every tuple of four of the six rows, so that rows are independent.
    grid = np.stack(np.meshgrid(*[range(6)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    sums = np.zeros(3)
    for drawn in grid:
        rows = population[drawn]
        sums += cycle_sums(rows @ rows.T, 3).sum(axis=1) / [1, 2, 3]
    counts = np.array([4, 6, 4])  # tuples of 1, 2 and 3 of four
    moments = sums / len(grid) / counts
    np.testing.assert_allclose(moments, [(variances**k).sum() for k in (1, 2, 3)], rtol=1e-12)


def test_their_covariance_is_that_of_leaving_stimuli_out():
    rows = planted(60, 20, -0.8).astype(np.float64)
    products = (rows - rows.mean(axis=0)) @ (rows - rows.mean(axis=0)).T / 100
    values, covariance = eigenmoments._block_moments(products, 20, 4)
    without = []
    for one in range(60):
        kept = np.delete(np.arange(60), one)
        without.append(eigenmoments._block_moments(products[np.ix_(kept, kept)], 20, 4)[0])
    away = np.array(without) - np.mean(without, axis=0)
    np.testing.assert_allclose(covariance, 59 / 60 * away.T @ away, rtol=1e-8)
    assert values.shape == (4,)


def exact(variances: np.ndarray, spread: float = 1e-4) -> Moments:
    """A population's own moments, with a small independent error."""
    scale = variances.mean()
    values = np.array([((variances / scale) ** k).mean() for k in range(1, 11)])
    return Moments(values, np.diag(values**2) * spread**2, len(variances), scale, 1000)


def law(width: int, alpha: float, alpha2: float, at: int) -> np.ndarray:
    rank = np.log(np.arange(1, width + 1))
    return 3.0 * np.exp(alpha * rank + (alpha2 - alpha) * np.maximum(0, rank - np.log(at)))


@pytest.mark.parametrize("alpha", [-0.3, -0.5, -1.0, -1.5, -2.5])
@pytest.mark.parametrize("width", [40, 3000])
def test_a_population_s_moments_give_its_law(alpha, width):
    found = meme.fit_law(exact(law(width, alpha, alpha, 2)))
    assert found.alpha == pytest.approx(alpha, abs=2e-3)
    assert np.exp(found.log_scale) == pytest.approx(3, rel=0.01)
    assert found.alpha_low < found.alpha < found.alpha_high


@pytest.mark.parametrize("at", [5, 16, 42])
def test_a_population_s_moments_give_its_break(at):
    found = meme.fit_broken_law(exact(law(2000, -0.5, -1.2, at)))
    assert found.break_low <= at * 1.2 and at <= found.break_high * 1.2
    assert (found.alpha, found.alpha2) == pytest.approx((-0.5, -1.2), abs=0.05)


def test_half_of_the_stimuli_give_the_same_law_where_a_line_flattens():
    """Bias under a hundredth at 400 stimuli, where ranks 10 to 50 give -0.88; noise adds none."""
    alone, repeated = [], []
    for seed in range(6):
        rows = planted(400, 400, -1.0, seed)
        noise = np.random.default_rng(seed).standard_normal((2, *rows.shape))
        alone.append(meme.fit_law(eigenmoments.eigenmoments(rows)).alpha)
        pair = [(rows + 0.1 * one).astype(np.float32) for one in noise]
        repeated.append(meme.fit_law(eigenmoments.eigenmoments(*pair)).alpha)
    assert np.mean(alone) == pytest.approx(-1, abs=0.03)
    assert np.mean(repeated) == pytest.approx(-1, abs=0.05)


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_units_and_means_of_the_activations_change_no_exponent(scale):
    rows = planted(200, 50)
    ours = meme.fit_law(eigenmoments.eigenmoments(rows * np.float32(scale)))
    theirs = meme.fit_law(eigenmoments.eigenmoments(rows + np.float32(2)))
    assert ours.alpha == pytest.approx(theirs.alpha, abs=1e-4)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (lambda: eigenmoments.eigenmoments(planted(79, 5)), "79 stimuli, at least 80"),
        (lambda: eigenmoments.eigenmoments(planted(90, 5), planted(90, 6)), "not one"),
        (lambda: eigenmoments.eigenmoments(np.ones((90, 5), np.float32)), "nothing varies"),
        (lambda: meme.fit_broken_law(exact(law(15, -1, -1, 2))), "15 ranks, at least 16"),
        (
            lambda: meme.fit_law(Moments(np.array([1, 0.5, -0.1, 0.1]), np.eye(4), 100, 1.0, 100)),
            "only 2 of the eigenmoments",
        ),
    ],
)
def test_what_is_too_little_is_said(work, said):
    with pytest.raises(ValueError, match=said):
        work()


def test_every_order_of_the_rows_is_as_good():
    """The mean over all orders of the rows is the U-statistic over distinct tuples."""
    products = np.random.default_rng(0).standard_normal((5, 5))
    products += products.T
    orders = [cycle_sums(products[np.ix_(p, p)], 3)[2].sum() / 3 for p in permutations(range(5))]
    distinct = [
        products[i, j] * products[j, k] * products[k, i] for i, j, k in permutations(range(5), 3)
    ]
    assert np.mean(orders) / 10 == pytest.approx(np.mean(distinct))
