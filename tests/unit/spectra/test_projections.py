import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.linear_model import LinearRegression

from codespectra.spectra import projections

DRAWS = 1000


def circle(frames: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(frames) / frames
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rectified(frames: int = 40, dimensions: int = 300, offset: float = 0.5) -> np.ndarray:
    """Units tuned to the dot's position, with some noise of their own."""
    rng = np.random.default_rng(7)
    tuning = circle(frames) @ rng.standard_normal((2, dimensions))
    noise = 0.1 * rng.standard_normal((frames, dimensions))
    return np.maximum(tuning + noise + offset, 0).astype(np.float32)


def explicit_actions(activations: np.ndarray, draws: int = DRAWS) -> np.ndarray:
    """Actions by the definition, in float64, independent of the library."""
    rng = np.random.default_rng(11)
    frames, dimensions = activations.shape
    actions = np.empty(draws)
    for draw in range(draws):
        z = activations @ rng.normal(0, dimensions**-0.5, (dimensions, 3))
        actions[draw] = 0.5 * sum(np.sum((z[t + 1] - z[t]) ** 2) for t in range(frames - 1))
    return actions


def assert_has_law(actions: np.ndarray, law: projections.ActionLaw) -> None:
    """Mean and variance of the sample within 4 standard errors of the law's."""
    assert abs(actions.mean() - law.mean) < 4 * np.sqrt(law.variance / len(actions))
    squares = (actions - law.mean) ** 2
    assert abs(squares.mean() - law.variance) < 4 * squares.std() / np.sqrt(len(actions))


def test_action_of_a_walk_by_hand():
    walk = np.array([[0, 0, 0], [3, 0, 0], [3, 4, 0], [3, 4, 12]])
    assert projections.action(walk) == 0.5 * (9 + 16 + 144)
    assert projections.action(walk, dt=0.5) == 9 + 16 + 144
    np.testing.assert_array_equal(projections.action(np.stack([walk, 2 * walk])), [84.5, 338])


def test_closed_form_is_the_law_of_explicit_draws():
    activations = rectified()
    assert_has_law(explicit_actions(activations), projections.expected_action(activations))


def test_closed_form_keeps_float32_digits_of_slow_wide_activations():
    rng = np.random.default_rng(0)
    drift = np.cumsum(1e-2 * rng.standard_normal((30, 20_000)), axis=0)
    activations = (100 + drift).astype(np.float32)
    steps = np.diff(activations.astype(np.float64), axis=0)
    exact = 1.5 / 20_000 * np.sum(steps**2), 1.5 / 20_000**2 * np.sum((steps @ steps.T) ** 2)
    np.testing.assert_allclose(projections.expected_action(activations), exact, rtol=1e-5)


def test_root_is_one_of_the_centred_gram_matrix_and_of_its_steps():
    activations = rectified(dimensions=9001)
    root = projections.trajectory_root(activations)
    centred = activations - activations.mean(axis=0, dtype=np.float64)
    gram = centred @ centred.T / 9001
    np.testing.assert_allclose(root @ root.T, gram, atol=1e-6 * gram.max())
    law = projections.expected_action(activations)
    assert 1.5 * np.sum(np.diff(root, axis=0) ** 2) == pytest.approx(law.mean, rel=1e-9)


def test_root_keeps_the_action_of_a_path_far_from_the_origin():
    slow = (1000 + 1e-2 * circle(50) @ np.ones((2, 400))).astype(np.float32)
    steps = np.diff(slow.astype(np.float64), axis=0)
    root = projections.trajectory_root(slow)
    assert np.sum(np.diff(root, axis=0) ** 2) == pytest.approx(np.sum(steps**2) / 400, rel=1e-5)


def test_root_draws_have_the_law_of_projections():
    activations = rectified()
    law = projections.expected_action(activations)
    root = projections.trajectory_root(activations)
    drawn = projections.draw_trajectories(root, draws=DRAWS, seed=1)
    seeded = projections.seeded_projections(activations, draws=DRAWS, seed=1)
    assert drawn.shape == seeded.shape == (DRAWS, 40, 3)
    for trajectories in (drawn, seeded):
        assert_has_law(projections.action(trajectories), law)
        assert_has_covariance(trajectories, root @ root.T)
        position = circle(40)
        explained = projections.explained_input_variance(trajectories, position)
        assert 0.5 < explained.mean() < 1
    assert ks_2samp(projections.action(drawn), projections.action(seeded)).pvalue > 1e-3
    pair = [projections.explained_input_variance(z, position) for z in (drawn, seeded)]
    assert ks_2samp(*pair).pvalue > 1e-3


def assert_has_covariance(trajectories: np.ndarray, covariance: np.ndarray) -> None:
    """Second moments over frames within 5 standard errors (1,600 of them), none between axes."""
    draws, frames, _ = trajectories.shape
    rows = trajectories.transpose(0, 2, 1).reshape(-1, frames).astype(np.float64)
    power = np.diag(covariance)
    error = np.sqrt((np.outer(power, power) + covariance**2) / len(rows))
    assert (np.abs(rows.T @ rows / len(rows) - covariance) < 5 * error).all()
    x, y = trajectories[..., 0], trajectories[..., 1]
    assert (np.abs(x.T @ y / draws) < 5 * np.sqrt(np.outer(power, power) / draws)).all()


def test_draws_are_reproducible_and_a_longer_run_repeats_the_shorter():
    root = projections.trajectory_root(rectified())
    first = projections.draw_trajectories(root, draws=10, seed=3)
    np.testing.assert_allclose(projections.draw_trajectories(root, draws=4, seed=3), first[:4])
    assert not np.allclose(projections.draw_trajectories(root, draws=10, seed=4), first)


@pytest.mark.parametrize("batch_entries", [1, 3 * 300 * 4, 2**24])
def test_seeded_draw_is_the_projection_by_its_own_r(monkeypatch, batch_entries):
    monkeypatch.setattr(projections, "BATCH_ENTRIES", batch_entries)
    activations = rectified().astype(np.float64)
    trajectories = projections.seeded_projections(activations, draws=7, seed=5)
    for draw, z in enumerate(trajectories):
        r = projections.projection(300, draw=draw, seed=5)
        exact = activations @ r.astype(np.float64)
        # Rounding of a float32 sum of 300 products, at worst (Higham, 2002, eq. 3.5), and its mean.
        worst = 2 * 300 * np.finfo(np.float32).eps / 2 * (np.abs(activations) @ np.abs(r)).max()
        np.testing.assert_allclose(z, exact - exact.mean(axis=0), rtol=0, atol=worst)
        action = projections.action(exact)
        assert projections.action(z) == pytest.approx(action, rel=1e-6)


def test_projection_entries_are_normal_with_variance_one_over_units():
    r = projections.projection(100_000, draw=0, seed=0)
    assert r.shape == (100_000, 3)
    scaled = r.astype(np.float64) * np.sqrt(100_000)
    np.testing.assert_allclose(scaled.T @ scaled / 100_000, np.eye(3), atol=4 * np.sqrt(2e-5))
    assert abs(np.mean(scaled**4) - 3) < 4 * np.sqrt(96 / 300_000)
    for draw, seed in ((1, 0), (0, 1)):
        assert not np.allclose(r, projections.projection(100_000, draw=draw, seed=seed))


def test_explained_variance_and_correlation_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    position = circle(50) + np.array([5, 0])
    mixing = rng.standard_normal((20, 2, 3))
    trajectories = position @ mixing + rng.standard_normal((20, 50, 3)) + 10
    scores = np.array(
        [[LinearRegression().fit(z, y).score(z, y) for y in position.T] for z in trajectories]
    )
    explained = projections.explained_input_variance(trajectories, position)
    correlation = projections.explained_correlation(trajectories, position)
    np.testing.assert_allclose(explained, scores.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(correlation, np.sqrt(scores).mean(axis=1), rtol=1e-9)


def test_directions_of_rounding_explain_nothing():
    """A path on a line along cos explains cos alone; its flat directions hold rounding only."""
    position = circle(60)
    line = position[:, :1] * np.array([0.3, -1.7, 0.9]) + [1, 2, 3]
    trajectories = np.stack([line, np.ones((60, 3))]).astype(np.float32)
    explained = projections.explained_input_variance(trajectories, position)
    np.testing.assert_allclose(explained, [0.5, 0], atol=1e-6)


def test_constant_position_is_refused():
    with pytest.raises(ValueError, match="constant"):
        projections.explained_input_variance(np.zeros((1, 9, 3)), np.ones((9, 2)))


# Of activations whose squares float32 can and can't hold.
scales = st.floats(-30, 30).map(lambda power: np.float32(10**power))


@given(scales)
def test_relative_action_is_free_of_scale_and_the_raw_action_quadratic(scale):
    activations, factor = rectified(frames=20, dimensions=50), float(scale)
    law, scaled = map(projections.expected_action, (activations, scale * activations))
    wanted = [factor**2 * law.mean, factor**4 * law.variance]
    np.testing.assert_allclose(scaled, wanted, rtol=1e-5)
    units = [projections.unit_variance_scale(a) ** 2 for a in (activations, scale * activations)]
    assert units[1] * scaled.mean == pytest.approx(units[0] * law.mean, rel=1e-5)


def test_unit_variance_scale_gives_total_variance_one():
    activations = rectified(dimensions=9001)
    scaled = projections.unit_variance_scale(activations) * activations.astype(np.float64)
    assert scaled.var(axis=0, ddof=1).sum() == pytest.approx(1, rel=1e-6)
    assert np.isnan(projections.unit_variance_scale(np.full((5, 4), 3.0)))


@pytest.mark.parametrize("frames", [3, 20, 200])
def test_roughness_of_a_circle_in_closed_form(frames):
    """n - 1 chords 2 rho sin(pi / n), total variance rho^2 n / (n - 1)."""
    wanted = 2 * (frames - 1) ** 2 * np.sin(np.pi / frames) ** 2 / frames
    placed = 3 * circle(frames) + 7
    assert projections.roughness(placed) == pytest.approx(wanted, rel=1e-9)
    space = np.concatenate([placed, np.ones((frames, 1))], axis=1)
    np.testing.assert_allclose(projections.trajectory_roughness(space[None]), wanted, rtol=1e-9)


def test_roughness_of_white_noise_is_the_number_of_steps():
    noise = np.random.default_rng(0).standard_normal((50, 20_000))
    assert projections.roughness(noise) == pytest.approx(49, rel=0.01)


@given(scales)
def test_roughness_is_free_of_scale_and_of_the_number_of_units(scale):
    activations = rectified(frames=20, dimensions=50)
    wanted = projections.roughness(activations)
    more = scale * np.tile(activations, (1, 90))  # more than a block of columns
    assert projections.roughness(more) == pytest.approx(wanted, rel=1e-5)
    relative = projections.expected_action(activations).mean
    relative *= projections.unit_variance_scale(activations) ** 2
    assert relative * 50 / 3 == pytest.approx(wanted, rel=1e-5)


def test_roughness_is_the_mean_action_of_draws_over_their_mean_variance():
    activations = rectified()
    root = projections.trajectory_root(activations)
    drawn = projections.draw_trajectories(root, draws=DRAWS, seed=1)
    action = projections.action(drawn)
    variance = action / projections.trajectory_roughness(drawn)
    ratio = action.mean() / variance.mean()
    error = (action - ratio * variance).std() / variance.mean() / np.sqrt(DRAWS)
    assert abs(ratio - projections.roughness(activations)) < 4 * error
    assert 4 * error < 0.05 * ratio


@pytest.mark.filterwarnings("error")
def test_roughness_of_what_does_not_move_is_missing():
    still = np.full((5, 4), 3.0)
    assert np.isnan(projections.roughness(still))
    drawn = projections.draw_trajectories(projections.trajectory_root(still), draws=2, seed=0)
    assert np.isnan(projections.trajectory_roughness(drawn)).all()


def test_smooth_code_action_is_half_the_zeta_function():
    assert projections.smooth_code_action(-2) == pytest.approx(np.pi**2 / 12)
    assert projections.smooth_code_action(-4) == pytest.approx(np.pi**4 / 180)
    assert projections.smooth_code_action(-60) == pytest.approx(0.5)
    assert projections.smooth_code_action(-1.001) > 400
    assert [projections.smooth_code_action(alpha) for alpha in (-1, -0.5, 0, 2)] == [np.inf] * 4


@pytest.mark.parametrize("shape", [(1, 5), (5,), (5, 0)])
def test_too_few_frames_or_units_are_refused(shape):
    for function in (
        projections.expected_action,
        projections.unit_variance_scale,
        projections.roughness,
    ):
        with pytest.raises(ValueError, match=r"shape"):
            function(np.zeros(shape))


def test_activations_that_are_not_finite_are_refused():
    activations = rectified()
    activations[3, 4] = np.inf
    with pytest.raises(ValueError, match="hold infs or nans"):
        projections.trajectory_root(activations)
