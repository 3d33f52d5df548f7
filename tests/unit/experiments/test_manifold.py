"""The map of most exciting images: planted clusters, equation 4, spread against II."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from judged import alone
from matplotlib import pyplot as plt
from scipy import stats
from scipy.spatial.distance import pdist
from sklearn.manifold import TSNE

from codespectra.claims.judges import negative
from codespectra.claims.measures.manifold import spread_and_index
from codespectra.claims.measures.tables import Tables
from codespectra.directions.directions import Directions
from codespectra.errors import UserError
from codespectra.experiments import manifold
from codespectra.figures.manifold import draw_manifold
from codespectra.interpretability.index import Index, exciting_images, index_table
from codespectra.interpretability.similarity import Color, Embedding, Label

CLUSTERS, EACH, M = 5, 20, 4
COUNT = CLUSTERS * EACH
INDEX = Index(M, "pairs")
CLUSTER = np.repeat(np.arange(CLUSTERS), EACH)
RESAMPLING = {"resamples": 200, "seed": 0}


def clustered() -> Embedding:
    """Images in clusters that lie far apart, and the last two of each the same."""
    rng = np.random.default_rng(0)
    rows = 10 * rng.standard_normal((CLUSTERS, 8))[CLUSTER] + rng.standard_normal((COUNT, 8))
    rows[EACH - 1 :: EACH] = rows[EACH - 2 :: EACH]
    return Embedding("planted", {"relu1": rows.astype(np.float32)}, np.arange(COUNT))


def planted() -> Directions:
    """Two directions a cluster, excited inside it alone; then as many excited all over."""
    rng = np.random.default_rng(1)
    inside = CLUSTER[:, None] == np.arange(2 * CLUSTERS) % CLUSTERS
    responses = rng.random((COUNT, 4 * CLUSTERS)) + np.hstack([inside, np.zeros_like(inside)])
    vectors = np.eye(4 * CLUSTERS, dtype=np.float32)
    return Directions(vectors, responses.astype(np.float32))


def embedded(seed: int = 0) -> np.ndarray:
    return manifold.embed(clustered(), np.arange(COUNT), perplexity=5, seed=seed)


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    return embedded()


@pytest.fixture(scope="module")
def units(places) -> pd.DataFrame:
    metrics = [clustered(), Label(CLUSTER)]
    maps, found = {"spread": places, "spread_other_seed": embedded(1)}, {"planted": planted()}
    spreads = manifold.spread_table(found, INDEX, np.arange(COUNT), maps)
    found = manifold.unit_table(found, metrics, INDEX, spreads)
    context = {"model": "net", "stimuli": "set", "layer": "relu", "map_metric": "planted"}
    return found.assign(**context)


# The map ------------------------------------------------------------------------------------------


def test_images_of_a_cluster_lie_together_and_equal_ones_at_finite_places(places):
    assert places.shape == (COUNT, 2) and np.isfinite(places).all()
    gaps = np.linalg.norm(places[:, None] - places, axis=-1) + np.diag(np.full(COUNT, np.inf))
    assert (CLUSTER[gaps.argmin(axis=1)] == CLUSTER).all()


def test_a_map_by_label_parts_the_labels():
    found = manifold.embed(Label(CLUSTER), np.arange(COUNT), perplexity=5, seed=0)
    gaps = np.linalg.norm(found[:, None] - found, axis=-1)
    same = CLUSTER[:, None] == CLUSTER
    assert gaps[same].mean() < gaps[~same].mean() / 2


def test_the_map_is_made_of_the_dissimilarities_as_they_stand():
    colors = np.random.default_rng(0).random((40, 3))
    distances = np.linalg.norm(colors[:, None] - colors, axis=-1)
    tsne = TSNE(metric="precomputed", init="random", perplexity=5, random_state=3)
    found = manifold.embed(Color(colors), np.arange(40), perplexity=5, seed=3)
    np.testing.assert_array_equal(found, tsne.fit_transform(distances))


def test_the_seed_alone_decides_the_map(places):
    assert embedded().tobytes() == places.tobytes()
    assert not np.allclose(embedded(1), places)


def test_shown_images_are_the_strongest_of_live_directions_each_once():
    responses = np.zeros((9, 3), dtype=np.float32)
    responses[[2, 4, 6], 0] = responses[[4, 6, 8], 1] = 3, 2, 1
    found = Directions(np.eye(3, dtype=np.float32), responses)
    other = Directions(np.eye(1, dtype=np.float32), np.arange(9, dtype=np.float32)[:, None])
    np.testing.assert_array_equal(exciting_images([found], 2), [2, 4, 6])
    np.testing.assert_array_equal(exciting_images([found, other], 2), [2, 4, 6, 7, 8])


@pytest.mark.parametrize(("perplexity", "enough"), [(10, 31), (1.5, 5)])
def test_a_perplexity_needs_more_than_three_times_as_many_images(perplexity, enough):
    manifold.check_perplexity(perplexity, enough, "layer1.0")
    with pytest.raises(UserError) as told:
        manifold.check_perplexity(perplexity, enough - 1, "layer1.0")
    for words in (
        "interpretability.manifold.perplexity",
        f"{perplexity:g}",
        "layer1.0",
        f"{enough - 1};",
    ):
        assert words in str(told.value)


# Sparsity -----------------------------------------------------------------------------------------


@given(st.data())
def test_spread_is_the_mean_distance_of_pairs(data):
    places = data.draw(arrays.arrays(float, (8, 2), elements=st.floats(-9, 9)))
    images = np.array([1, 4, 5, 7, 20, 21, 33, 90])
    chosen = data.draw(st.permutations(range(8)))[:3]
    found = manifold.spread(places, images, images[[chosen]])
    assert found == pytest.approx([pdist(places[chosen]).mean()])


def test_the_table_holds_the_index_of_every_whole_metric(units):
    expected = index_table({"planted": planted()}, [clustered(), Label(CLUSTER)], INDEX)
    expected = expected[expected["part"] == "all"]
    assert list(units["metric"]) == list(expected["metric"])
    np.testing.assert_array_equal(units["ii"], expected["ii"])


def test_a_dead_direction_has_no_spread(places):
    responses = planted().responses.copy()
    responses[:, 3] = 1
    given = {"a": Directions(planted().vectors, responses)}
    spreads = manifold.spread_table(given, INDEX, np.arange(COUNT), {"spread": places})
    found = manifold.unit_table(given, [clustered()], INDEX, spreads)
    missing = found["spread"].isna()
    assert list(found.index[missing]) == [3]
    assert found["state"][3] == "dead"


# Activity -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_activity_is_equation_4(temperature):
    rng = np.random.default_rng(0)
    rows, vector = rng.random((12, 3)), rng.random(3)
    distance = np.array([np.sum((x / np.linalg.norm(x) - vector) ** 2) for x in rows])
    expected = np.exp(-(distance - distance.mean()) / distance.std() / temperature)
    found = manifold.activity(rows, vector, temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(manifold.activity(7 * rows, vector, temperature), found, rtol=1e-5)


def test_of_two_images_the_one_at_the_centroid_has_activity_e_to_the_inverse_temperature():
    found = manifold.activity(np.eye(2), np.array([1, 0]), 2)
    np.testing.assert_allclose(found, np.exp([0.5, -0.5]), rtol=1e-6)


def test_the_best_direction_is_the_first_of_equals():
    table = pd.DataFrame(
        {
            "method": ["b"] * 4 + ["a"] * 2,
            "metric": ["x", "x", "x", "y", "x", "x"],
            "direction": [0, 1, 2, 0, 0, 1],
            "ii": [np.nan, 0.5, 0.5, 9.0, -1.0, -2.0],
        }
    )
    assert manifold.best_directions(table, "x") == {"b": 1, "a": 0}


# Claim and figure ---------------------------------------------------------------------------------


def test_planted_spread_goes_with_the_index_and_the_own_metric_is_told(units):
    found = list(spread_and_index(Tables(**RESAMPLING, trained=("net",), manifold_units=units)))
    assert [one.scope for one in found] == [
        "net on set, relu, planted, planted, built in: the map's own metric",
        "net on set, relu, planted, label",
    ]
    for one in found:
        assert alone(negative, one) == "supported"
        assert one.n == 4 * CLUSTERS
    assert not list(spread_and_index(Tables(**RESAMPLING, manifold_units=units)))


@pytest.mark.parametrize("labelled", [True, False])
def test_figure_shows_rho_and_leaves_labels_out_of_a_set_without(units, places, labelled):
    context = {
        "model": "net",
        "weights": "train",
        "stimuli": "set",
        "stimulus_count": COUNT,
        "m": M,
        "layer": "relu",
        "map_metric": "planted",
    }
    images = pd.DataFrame({"image": np.arange(COUNT), "x": places[:, 0], "y": places[:, 1]})
    images = images.assign(red=0.5, green=0.5, blue=0.5, **context)
    images["label"] = CLUSTER.astype(str) if labelled else ""
    activity = manifold.activity_table(
        {"planted": planted()},
        {"planted": 7},
        np.random.default_rng(0).random((COUNT, 4 * CLUSTERS)),
        np.arange(COUNT),
        2,
    )
    inputs = {"manifold_images": images, "manifold_activity": activity.assign(layer="relu")}
    inputs |= {"manifold_units": units}
    figure, _ = draw_manifold(inputs, {"study": "study", **RESAMPLING})
    titles = [panel.get_title() for panel in figure.axes if panel.get_visible()]
    assert ("relu: label" in titles) == labelled
    assert "relu: planted 7" in titles
    notes = [text.get_text() for panel in figure.axes for text in panel.texts]
    shown = units[units["metric"] == "label"]
    rho = stats.spearmanr(shown["spread"], shown["ii"]).statistic
    assert f"label: ρ = {rho:.2f} [" in notes[0]
    plt.close(figure)
