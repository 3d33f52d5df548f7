from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from codespectra.claims.measures import synergy as measures
from codespectra.claims.measures.tables import Tables
from codespectra.directions.directions import neurons
from codespectra.experiments import synergy
from codespectra.figures import style
from codespectra.figures.synergy import draw_pairs, draw_synergy
from codespectra.files.hdf5_files import create_hdf5
from codespectra.interpretability.index import Index
from codespectra.interpretability.similarity import Color, Label
from codespectra.statistics.ranking import top_stimuli

M = 5


def layer(stimuli: int = 60, units: int = 9, levels: int = 8) -> np.ndarray:
    """Correlated activations with ties; the third unit is dead, the fourth rare."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((stimuli, 3)) @ rng.standard_normal((3, units))
    values = np.maximum(np.round(values * levels) / levels, 0).astype(np.float32)
    values[:, 2] = 1
    values[:, 3] = np.arange(stimuli) == 7
    return values


def metrics(stimuli: int = 60) -> list:
    rng = np.random.default_rng(1)
    return [Color(rng.random((stimuli, 3))), Label(rng.integers(3, size=stimuli))]


def brute_index(similarity, images: np.ndarray) -> float:
    matrix = similarity.matrix(np.asarray(images))["all"]
    return float(np.mean([matrix[i, j] for i, j in combinations(range(len(images)), 2)]))


def strongest_of(values: np.ndarray) -> np.ndarray:
    return np.argsort(-values, kind="stable")[:M]


def test_every_pair_agrees_with_a_loop_over_pairs():
    activations = layer()
    pairs = synergy.pairs_of_units(neurons(activations), M)
    scores = synergy.score_pairs(pairs, metrics(), Index(M, "pairs"))
    table = synergy.synergy_table(pairs, scores).set_index(["metric", "a", "b"])
    live = [unit for unit in range(9) if unit not in (2, 3)]
    assert len(table) == 2 * len(list(combinations(live, 2)))
    rows = {unit: synergy.z_scores(activations[:, [unit]])[0] for unit in live}
    for similarity in metrics():
        own = {u: brute_index(similarity, strongest_of(activations[:, u])) for u in live}
        for a, b in combinations(live, 2):
            found = table.loc[similarity.metric, a, b]
            both = brute_index(similarity, strongest_of(rows[a] + rows[b]))
            assert found["ii"] == pytest.approx(both, abs=1e-12)
            assert found["synergy"] == pytest.approx(both - max(own[a], own[b]), abs=1e-12)
            expected = np.corrcoef(activations[:, a], activations[:, b])[0, 1]
            assert found["correlation"] == pytest.approx(expected, abs=1e-6)


def test_best_partners_agree_with_a_loop_over_units():
    pairs = synergy.pairs_of_units(neurons(layer()), M)
    scores = synergy.score_pairs(pairs, metrics(), Index(M, "pairs"))
    table, units = synergy.synergy_table(pairs, scores), synergy.unit_table(pairs, scores)
    assert sorted(units["direction"].unique()) == [0, 1, 4, 5, 6, 7, 8]
    for row in units.itertuples():
        own = table[table["metric"] == row.metric]
        own = own[(own["a"] == row.direction) | (own["b"] == row.direction)]
        partners = (own["a"] + own["b"] - row.direction).to_numpy()
        best = own["synergy"].to_numpy() == own["synergy"].max()
        assert row.best_synergy == own["synergy"].max()
        assert row.best_partner == partners[best].min()
        assert row.best_ii == own["ii"].max()


@given(
    units=st.integers(0, 9),
    stimuli=st.integers(5, 40),
    levels=st.integers(1, 4),
    block=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_blocks_of_sums_equal_a_loop_with_a_stable_sort(units, stimuli, levels, block, seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(levels, size=(units, stimuli)).astype(np.float32)
    expected = [strongest_of(rows[a] + rows[b]) for a, b in combinations(range(units), 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synergy, "BLOCK_PAIRS", block)
        found = synergy.strongest_of_sums(rows, M)
    np.testing.assert_array_equal(found, np.reshape(expected, (-1, M)))


def test_z_scores_have_mean_zero_and_unit_variance_far_from_the_origin():
    values = 1000 + np.random.default_rng(0).standard_normal((4000, 3)).astype(np.float32)
    found = synergy.z_scores(values)
    assert found.flags.c_contiguous
    expected = (values - values.mean(axis=0, dtype=float)) / values.std(axis=0, dtype=float)
    np.testing.assert_allclose(found, expected.T, atol=1e-5)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("units", [1, 3])
def test_z_scores_leave_the_responses_alone(order, units):
    values = np.random.default_rng(0).standard_normal((50, units)).astype(np.float32, order=order)
    before = values.copy()
    assert not np.shares_memory(synergy.z_scores(values), values)
    np.testing.assert_array_equal(values, before)


def planted() -> tuple[np.ndarray, list]:
    """Two units each of half a clean signal and the same noise, of opposite sign; and others."""
    rng = np.random.default_rng(3)
    red = np.zeros((400, 3))
    red[:40] = [1, 0, 0]
    red[40:] = rng.random((360, 3))
    signal, noise = np.r_[np.ones(40), np.zeros(360)], 3 * rng.standard_normal(400)
    others = rng.standard_normal((6, 400))
    small = 0.1 * rng.standard_normal((2, 400))
    values = np.stack([signal + noise + small[0], *others, signal - noise + small[1]], axis=1)
    return values.astype(np.float32), [Color(red)]


def test_two_noisy_units_whose_sum_is_clean_have_the_best_synergy():
    activations, similarities = planted()
    pairs = synergy.pairs_of_units(neurons(activations), M)
    scores = synergy.score_pairs(pairs, similarities, Index(M, "pairs"))
    table = synergy.synergy_table(pairs, scores)
    best = table.loc[table["synergy"].idxmax()]
    assert (best["a"], best["b"]) == (0, 7)
    assert best["ii"] == pytest.approx(0, abs=1e-12)  # all of one colour
    assert best["synergy"] > 0.3
    units = synergy.unit_table(pairs, scores).set_index("direction")
    assert units.loc[0, "best_partner"] == 7
    assert units.loc[7, "best_partner"] == 0
    shown = synergy.image_table(pairs, scores, 2)
    first = shown[shown["pair"] == 1]
    assert (first["synergy"] == best["synergy"]).all()
    of_sum = first[first["role"] == "a+b"]
    assert (of_sum["image"] < 40).all()
    assert of_sum["ii"].iloc[0] == best["ii"]
    of_b = first[first["role"] == "b"].sort_values("rank")["image"]
    np.testing.assert_array_equal(of_b, top_stimuli(activations[:, [7]], M)[0])


def test_a_unit_added_to_itself_has_exactly_no_synergy_and_correlation_one():
    values = layer()[:, [0, 0, 1]]
    pairs = synergy.pairs_of_units(neurons(values), M)
    table = synergy.synergy_table(pairs, synergy.score_pairs(pairs, metrics(), Index(M, "pairs")))
    twins = table[(table["a"] == 0) & (table["b"] == 1)]
    assert (twins["synergy"] == 0).all()
    np.testing.assert_allclose(twins["correlation"], 1, atol=1e-6)
    assert table["correlation"].abs().max() <= 1


def test_the_same_images_in_another_order_are_no_synergy():
    rng = np.random.default_rng(0)
    values = np.zeros((60, 20), dtype=np.float32)
    values[10:15] = 1 + rng.random((5, 20))
    pairs = synergy.pairs_of_units(neurons(values), M)
    table = synergy.synergy_table(pairs, synergy.score_pairs(pairs, metrics(), Index(M, "pairs")))
    assert len(np.unique(pairs.images, axis=0)) > 10
    assert (table["synergy"] == 0).all()


@pytest.mark.parametrize(("normalisation", "factor"), [("code", (M - 1) / M), ("literal", M - 1)])
def test_normalisations_scale_synergies(normalisation, factor):
    pairs = synergy.pairs_of_units(neurons(layer()), M)
    plain, other = (
        synergy.synergy_table(pairs, synergy.score_pairs(pairs, metrics(), Index(M, name)))
        for name in ("pairs", normalisation)
    )
    np.testing.assert_allclose(other["synergy"], factor * plain["synergy"], atol=1e-12)


def pair_tables(values: np.ndarray, correlation: np.ndarray | None = None) -> Tables:
    """Tables of one layer whose pairs have these synergies (U, U)."""
    a, b = np.triu_indices(len(values), k=1)
    head = {"model": "net", "stimuli": "set", "layer": "layer1", "metric": "color"}
    columns = {"a": a, "b": b, "synergy": values[a, b]}
    columns["correlation"] = values[a, b] if correlation is None else correlation[a, b]
    table = pd.DataFrame(head | columns)
    untrained = table.assign(model="untrained")
    return Tables(300, 0, trained=("net",), synergies=pd.concat([table, untrained]))


def of_units(rng: np.random.Generator, units: int, own: float = 1.0) -> np.ndarray:
    """Pairs (U, U) that share what their units contribute, of mean zero, and noise."""
    unit = own * rng.standard_normal(units)
    noise = rng.standard_normal((units, units))
    return unit[:, None] + unit + 0.3 * (noise + noise.T)


def test_signs_and_skewness_of_planted_synergies():
    negative = -np.ones((20, 20))
    negative[0] = negative[:, 0] = 8  # one unit that goes well with every other
    found = {e.statistic: e for e in measures.signs_of_synergies(pair_tables(negative))}
    below, above, skewness = found.values()
    assert len(found) == 3
    assert below.n == above.n == 190
    assert below.estimate == pytest.approx(171 / 190 - 0.5)
    assert above.estimate == pytest.approx(19 / 190)
    assert above.low == 0  # resamples without that unit
    flat = negative[np.triu_indices(20, k=1)]
    assert skewness.estimate == pytest.approx(stats.skew(flat))
    assert below.low < below.estimate < below.high
    mirrored = list(measures.signs_of_synergies(pair_tables(-negative)))
    assert mirrored[2].estimate == pytest.approx(-skewness.estimate)


def test_equal_synergies_have_no_skewness():
    shares = list(measures.signs_of_synergies(pair_tables(np.full((6, 6), -0.2))))
    assert shares[0].low == shares[0].high == 0.5
    assert np.isnan([shares[2].estimate, shares[2].low, shares[2].high]).all()


def test_correlation_of_synergies_is_spearmans():
    rng = np.random.default_rng(5)
    values, noise = of_units(rng, 30), of_units(rng, 30)
    tables = pair_tables(values, np.exp(values + noise))
    (found,) = measures.synergy_with_correlation(tables)
    pairs = np.triu_indices(30, k=1)
    expected = stats.spearmanr(values[pairs], (values + noise)[pairs]).statistic
    assert found.estimate == pytest.approx(expected)
    assert found.low < found.estimate < found.high
    (perfect,) = measures.synergy_with_correlation(pair_tables(values))
    assert perfect.estimate == pytest.approx(1)
    assert perfect.low == pytest.approx(1)


def test_index_against_best_synergy_with_and_without_what_is_built_in():
    ii = np.random.default_rng(0).standard_normal(50)
    head = {"model": "net", "stimuli": "set", "layer": "layer1", "metric": "color"}
    units = pd.DataFrame(head | {"ii": ii, "best_synergy": 3 - ii, "best_ii": 3 + ii**3})
    tables = Tables(200, 0, trained=("net",), synergy_units=units)
    subtracted, reached = measures.index_with_best_synergy(tables)
    assert "partly built in" in subtracted.scope
    assert "partly built in" not in reached.scope
    assert (subtracted.estimate, reached.estimate) == pytest.approx((-1, 1))


def test_bootstrap_equals_a_loop_over_resampled_units():
    rng = np.random.default_rng(0)
    values = rng.random((7, 7))
    first, second = np.triu_indices(7, k=1)
    found = measures.unit_bootstrap(
        first, second, values[first, second, None], resamples=20, seed=4
    )
    chances = np.full(7, 1 / 7)
    for mean, counts in zip(
        found[:, 0], np.random.default_rng(4).multinomial(7, chances, size=20), strict=True
    ):
        drawn = np.repeat(np.arange(7), counts)
        kept = [values[a, b] for a, b in combinations(drawn, 2) if a != b]
        assert mean == pytest.approx(np.mean(kept))


def test_unit_bootstrap_covers_where_a_bootstrap_of_pairs_does_not():
    """Pairs that share a unit go together: 780 pairs of 40 units say less than 780 would."""
    rng = np.random.default_rng(0)
    first, second = np.triu_indices(40, k=1)
    covered = {"units": 0, "pairs": 0}
    for seed in range(200):
        values = of_units(rng, 40)[first, second]
        drawn = {
            "units": measures.unit_bootstrap(
                first, second, values[:, None], resamples=200, seed=seed
            )[:, 0],
            "pairs": rng.choice(values, (200, len(values))).mean(axis=1),
        }
        for name, means in drawn.items():
            low, high = np.quantile(means, [0.025, 0.975])
            covered[name] += low < 0 < high
    assert covered["units"] > 0.88 * 200
    assert covered["pairs"] < 0.6 * 200


def scored_tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    pairs = synergy.pairs_of_units(neurons(layer()), M)
    scores = synergy.score_pairs(pairs, metrics()[:1], Index(M, "pairs"))
    run = {"model": "net", "weights": "train", "stimuli": "set", "stimulus_count": 60, "m": M}
    makers = (synergy.synergy_table, synergy.unit_table)
    tables = [make(pairs, scores) for make in makers] + [synergy.image_table(pairs, scores, 2)]
    return tuple(table.assign(layer="layer1", **run) for table in tables)


def test_figures_show_every_pair_and_every_image(tmp_path):
    style.apply()
    pairs, units, shown = scored_tables()
    cfg = {"study": "study", "metric": "color"}
    figure, _ = draw_synergy({"synergies": pairs, "synergy_units": units}, cfg)
    histogram, hexagons, dots = figure.axes[:3]
    assert sum(bar.get_height() for bar in histogram.patches) == (pairs["synergy"] != 0).sum()
    assert hexagons.collections[0].get_array().sum() == len(pairs)
    assert len(dots.lines[0].get_xdata()) == len(units) == 7
    negative = (pairs["synergy"] < 0).mean()
    assert f"{negative:.1%} negative" in histogram.get_legend().get_texts()[0].get_text()
    left, right = (
        [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars if bar.get_height()]
        for bars in histogram.containers
    )
    assert max(end for _, end in left) <= 1e-9
    assert min(start for start, _ in right) >= -1e-9
    with create_hdf5(tmp_path / "set.h5") as file:
        file["images"] = np.broadcast_to(np.uint8(range(60))[:, None, None, None], (60, 4, 4, 3))
    inputs = {"synergy_images": shown, "stimuli": tmp_path / "set.h5"}
    panels = draw_pairs(inputs, cfg)[0].axes
    assert len(panels) == 2
    best = shown[(shown["pair"] == 1) & (shown["role"] == "a+b")].sort_values("rank")["image"]
    np.testing.assert_array_equal(panels[0].images[0].get_array()[15, 2::6, 0], best)
