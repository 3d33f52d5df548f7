"""The Interpretability Index: its definition, what has none, both signs, and its spread."""

from itertools import combinations

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codespectra.data.preprocessing import Preprocess
from codespectra.directions import directions
from codespectra.directions.directions import (
    Directions,
    read_directions,
    write_directions,
)
from codespectra.errors import UserError
from codespectra.interpretability.feature_embedding import network_backbone
from codespectra.interpretability.index import (
    DEAD,
    LIVE,
    RARE,
    Index,
    candidates,
    check_live,
    index_table,
)
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    resampled_index,
    with_intervals,
)
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Color, Embedding, Label, Similarity
from codespectra.models.architectures import build
from codespectra.models.layer_listing import inspect_layers
from codespectra.statistics import row_blocks
from codespectra.statistics.subsamples import (
    group_subsamples,
    image_deviations,
    subsamples,
)

PAIRS = Index(5, "pairs")


def directions_of(responses: np.ndarray, *, two_sided: bool = False) -> Directions:
    width = responses.shape[1]
    return Directions(np.eye(width, dtype=np.float32), responses.astype(np.float32), two_sided)


def metrics(count: int, seed: int = 0) -> list[Similarity]:
    """Colour, label and a backbone of two layers, all random."""
    rng = np.random.default_rng(seed)
    tables = {name: rng.random((count, 6), np.float32) for name in ("relu1", "relu2")}
    backbone = Embedding("backbone", tables, np.arange(count))
    return [Color(rng.random((count, 3))), Label(rng.integers(3, size=count)), backbone]


def brute_index(similarity: Similarity, images: np.ndarray) -> dict[str, float]:
    """Mean over the pairs of these images, asked for pair by pair."""
    pairs = similarity.within(np.array(list(combinations(images, 2))))
    return {part: values.mean() for part, values in pairs.items()}


def value(table: pd.DataFrame, **where: object) -> float:
    (found,) = table.loc[np.all([table[key] == want for key, want in where.items()], axis=0), "ii"]
    return found


# The definition ----------------------------------------------------------------------------------


def test_index_of_every_direction_is_the_mean_over_its_pairs():
    rng, found = np.random.default_rng(0), {}
    for name in ("one", "other"):
        found[name] = directions_of(rng.integers(6, size=(40, 3)) + rng.random(3))
    table = index_table(found, metrics(40), PAIRS)
    assert list(table.columns) == ["method", "metric", "part", "direction", "state", "sign", "ii"]
    assert len(table) == 2 * 3 * (1 + 1 + 3)
    for name, one in found.items():
        for direction, responses in enumerate(one.responses.T):
            images = np.argsort(-responses, kind="stable")[:5]
            for similarity in metrics(40):
                for part, expected in brute_index(similarity, images).items():
                    where = {"metric": similarity.metric, "part": part, "direction": direction}
                    ii = value(table, method=name, **where)
                    assert ii == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("normalisation", "factor"), [("pairs", 1), ("code", 0.8), ("literal", 4)])
def test_normalisations_of_a_metric_without_self_similarity(normalisation, factor):
    means = np.array([-0.3, -1.7, 0])
    found = Index(5, normalisation).of_pairs(means, 0)
    np.testing.assert_allclose(found, factor * means, rtol=1e-12)


@pytest.mark.parametrize("normalisation", ["pairs", "code", "literal"])
def test_normalisations_of_the_label_are_the_double_sum(normalisation):
    labels = np.array([0, 0, 0, 1, 2])
    equal = labels[:, None] == labels
    expected = {"pairs": 6 / 20, "code": equal.sum() / 25, "literal": equal.sum() / 5}
    found = {"all": directions_of(-np.arange(6.0)[:, None])}
    table = index_table(found, [Label(np.append(labels, 9))], Index(5, normalisation))
    np.testing.assert_allclose(table["ii"], expected[normalisation], rtol=1e-12)


# What has no index -------------------------------------------------------------------------------


def test_constant_and_rarely_raised_directions_have_a_state_and_no_index():
    responses = np.random.default_rng(0).random((20, 5)) + 1
    responses[:, 1], responses[:, 3] = 0, 7
    responses[4:, 2] = 0  # 4 images raise it
    responses[5:, 4] = 0  # 5 do
    table = index_table({"neurons": directions_of(responses)}, metrics(20), PAIRS)
    for _, rows in table.groupby(["metric", "part"]):
        assert list(rows["direction"]) == [0, 1, 2, 3, 4]
        assert list(rows["state"]) == [LIVE, DEAD, RARE, DEAD, LIVE]
        assert list(rows["ii"].isna()) == [False, True, True, True, False]


def test_a_method_without_live_directions_leaves_the_others_as_they_are():
    responses = np.random.default_rng(0).random((20, 3))
    alone = index_table({"neurons": directions_of(responses)}, metrics(20), PAIRS)
    found = {"neurons": directions_of(responses), "sae": directions_of(np.zeros((20, 4)))}
    table = index_table(found, metrics(20), PAIRS)
    neurons = table[table["method"] == "neurons"].reset_index(drop=True)
    pd.testing.assert_frame_equal(neurons, alone)
    assert set(table.loc[table["method"] == "sae", "state"]) == {DEAD}


@pytest.mark.filterwarnings("error")
def test_a_method_without_live_directions_may_stand_alone():
    found, held = {"sae": directions_of(np.zeros((20, 4)))}, subsamples(20, 6, seed=1)
    table = index_table(found, metrics(20), PAIRS)
    assert set(table["state"]) == {DEAD} and table["ii"].isna().all()
    assert np.isnan(index_draws(table, found, metrics(20), PAIRS, held)).all()
    assert all(candidates(one, PAIRS.m, held).lists.size == 0 for one in found.values())


def test_rare_is_relative_to_the_lowest_response():
    """Two images below all the others don't make a direction rare, two above do."""
    below, above = np.full(20, 3.0), np.full(20, 3.0)
    below[[4, 9]], above[[4, 9]] = 0, 5
    found = directions_of(np.stack([below, above], axis=1))
    assert list(candidates(found, 5).state) == [LIVE, RARE]


def test_more_exciting_images_than_stimuli_are_refused():
    found = directions_of(np.arange(8.0).reshape(4, 2))
    assert list(candidates(found, 3).state) == [LIVE, LIVE]
    with pytest.raises(UserError, match=r"m: 5 is more than the 4 stimuli"):
        candidates(found, 5)


def test_a_layer_needs_two_live_units():
    responses = np.zeros((20, 3))
    responses[:, 0] = np.arange(20)
    responses[:4, 1] = 1
    message = r"layer layer3\.0: 1 of 3 units have 5 exciting images among the 20 stimuli"
    with pytest.raises(UserError, match=message):
        check_live({"neurons": directions_of(responses)}, "layer3.0", 5)
    check_live({"neurons": directions_of(responses)}, "layer3.0", 4)
    check_live({"kmeans-1x": directions_of(responses)}, "layer3.0", 5)


def test_images_of_one_colour_each_are_scored_and_equal_ones_make_units_dead():
    torch.manual_seed(0)
    network = build({"name": "small_alexnet", "widths": [4, 6, 8, 6, 4]}, 10)
    settings = {"side": None, "mean": [0.5] * 3, "std": [0.25] * 3}
    layers = [vars(layer) for layer in inspect_layers(network, 32) if layer.type == "ReLU"]
    backbone = network_backbone(network, layers, Preprocess(settings, torch.device("cpu")))
    colors = np.random.default_rng(0).integers(256, size=(12, 1, 1, 3), dtype=np.uint8)
    images = np.tile(colors, (1, 32, 32, 1))
    flat = Embedding("inhouse", backbone.embed(images), np.arange(12))
    sets = np.array([[0, 1, 2], [3, 4, 5]])
    assert all(np.isfinite(values).all() for values in flat.within(sets).values())
    same = Embedding("inhouse", backbone.embed(images[[0] * 12]), np.arange(12))
    np.testing.assert_allclose(same.within(sets)[ALL], 0, atol=1e-9)
    units = directions.neurons(np.ones((12, 4), dtype=np.float32))
    with pytest.raises(UserError, match="layer layer1: 0 of 4 units have 3 exciting images"):
        check_live({"neurons": units}, "layer1", 3)


# Directions without a sign -----------------------------------------------------------------------


def test_each_metric_keeps_its_own_better_sign_and_parts_follow_the_whole():
    """Images 0-4 excite, 15-19 excite the other way; colour prefers those, the backbone these."""
    count = 20
    responses = np.linspace(1, -1, count)[:, None]
    colors, tables = np.zeros((count, 3)), np.zeros((2, count, 1), dtype=np.float32)
    colors[:5, 0], colors[15:, 0] = 0, np.arange(5)
    tables[0, :5, 0], tables[0, 15:, 0] = np.arange(5), 0  # relu1: below all alike
    tables[1, 15:, 0] = 0.1 * np.arange(5)  # relu2: above all alike, by less
    parts = {"relu1": tables[0], "relu2": tables[1]}
    similarities = [Color(colors), Embedding("backbone", parts, np.arange(count))]
    table = index_table(
        {"pca-1x": directions_of(responses, two_sided=True)}, similarities, PAIRS
    ).set_index(["metric", "part"])
    assert table.loc[("color", ALL), "sign"] == 1
    assert table.loc[("color", ALL), "ii"] == 0
    assert list(table.loc["backbone", "sign"]) == [-1, -1, -1]
    assert table.loc[("backbone", "relu1"), "ii"] == pytest.approx(0, abs=1e-6)
    # The mean squared distance of 0, 0.1, ..., 0.4 is 0.05; the other sign would have 0 here.
    assert table.loc[("backbone", "relu2"), "ii"] == pytest.approx(-0.05)
    assert table.loc[("backbone", ALL), "ii"] == pytest.approx(-0.05)


def test_of_equal_signs_plus_counts():
    found = {"ica": directions_of(np.arange(20.0)[:, None] - 9, two_sided=True)}
    table = index_table(found, [Label(np.ones(20))], PAIRS)
    assert (table.loc[0, "sign"], table.loc[0, "ii"]) == (1, 1)


@given(st.integers(0, 500))
def test_both_signs_are_never_worse_than_either(seed):
    rng = np.random.default_rng(seed)
    responses, alike = rng.standard_normal((30, 4)), metrics(30, seed)
    responses[:, 2] = 1
    both = index_table({"m": directions_of(responses, two_sided=True)}, alike, PAIRS)
    plus = index_table({"m": directions_of(responses)}, alike, PAIRS)
    minus = index_table({"m": directions_of(-responses)}, alike, PAIRS)
    kept = np.where(both["sign"] > 0, plus["ii"], minus["ii"])
    np.testing.assert_allclose(both["ii"], kept, rtol=1e-6)
    whole, best = both["part"] == ALL, np.maximum(plus["ii"], minus["ii"])
    np.testing.assert_allclose(both["ii"][whole], best[whole], rtol=1e-6)


# Two thirds of the images -------------------------------------------------------------------------


def scored(count: int, seed: int = 0) -> tuple[pd.DataFrame, dict, list[Similarity]]:
    """Directions of each kind, one of them dead, and one with ties everywhere."""
    rng = np.random.default_rng(seed)
    plain = rng.integers(4, size=(count, 3)).astype(float)
    plain[:, 1] = 2
    found = {
        "neurons": directions_of(plain),
        "pca-1x": directions_of(rng.standard_normal((count, 2)), two_sided=True),
    }
    similarities = metrics(count, seed)
    return index_table(found, similarities, Index(3, "code")), found, similarities


def index_draws(table, found, similarities, index, held) -> np.ndarray:
    """The index (rows, resamples) of each row of an `index_table`, whose own are the same."""
    every = {method: candidates(one, index.m, held) for method, one in found.items()}
    answers = [answer for s in similarities for answer in resampled_index(every, s, index)]
    for method, own, _ in answers:
        rows = table["method"].eq(method) & table["metric"].isin(own["metric"])
        np.testing.assert_allclose(own["ii"], table.loc[rows, "ii"], rtol=1e-6, atol=1e-7)
        assert (own["sign"].to_numpy() == table.loc[rows, "sign"].to_numpy()).all()
    return np.concatenate([draws for *_, draws in answers])


def test_index_on_a_subsample_is_that_of_its_own_strongest_images():
    table, found, similarities = scored(30)
    held = subsamples(30, 6, seed=1)
    draws = index_draws(table, found, similarities, Index(3, "code"), held)
    assert draws.shape == (len(table), 6)
    by_metric = {similarity.metric: similarity for similarity in similarities}
    for row, values in zip(table.itertuples(), draws, strict=True):
        if row.state != LIVE:
            assert np.isnan(values).all()
            continue
        responses = row.sign * found[row.method].responses[:, row.direction]
        similarity = by_metric[row.metric]
        for inside, ii in zip(held, values, strict=True):
            left = np.flatnonzero(inside)
            images = left[np.argsort(-responses[left], kind="stable")[:3]]
            mean = brute_index(similarity, images)[row.part]
            expected = (6 * mean + 3 * similarity.self_similarity) / 9
            assert ii == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_no_other_images_are_needed_than_told():
    table, found, similarities = scored(60)
    held, index = subsamples(60, 4, seed=0), Index(3, "code")
    full = similarities[2]
    images = np.unique(np.concatenate([candidates(x, 3, held).lists for x in found.values()], None))
    assert len(images) < 60
    some = Embedding("backbone", {name: t[images] for name, t in full.tables.items()}, images)
    backbone = table["metric"] == "backbone"
    expected = index_draws(table, found, similarities, index, held)[backbone]
    own = index_table(found, [some], index)
    np.testing.assert_allclose(own["ii"], table.loc[backbone, "ii"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        index_draws(own, found, [some], index, held), expected, rtol=1e-5, atol=1e-6
    )


def test_responses_that_are_read_have_the_candidates_of_those_held(tmp_path, monkeypatch):
    _, found, _ = scored(90)
    held = subsamples(90, 5, seed=0)
    monkeypatch.setattr(row_blocks, "READ", 40)
    for method, one in found.items():
        with h5py.File(tmp_path / f"{method}.h5", "w") as file:
            write_directions(file, one)
            read = candidates(read_directions(file), 3, held)
        for name, values in vars(candidates(one, 3, held)).items():
            np.testing.assert_array_equal(getattr(read, name), values)


def test_intervals_lie_around_the_index_and_widen_with_the_draws():
    table, found, similarities = scored(30)
    draws = index_draws(table, found, similarities, Index(3, "code"), subsamples(30, 40, seed=0))
    narrow, wide = (
        with_intervals(table, table["ii"].to_numpy()[:, None] * (1 - by) + by * draws, 30)
        for by in (0.5, 1)
    )
    live = (table["state"] == LIVE).to_numpy()
    assert wide.loc[~live, ["low", "high"]].isna().all(axis=None)
    np.testing.assert_allclose((wide["low"] + wide["high"]) / 2, table["ii"])
    reach = (wide["high"] - wide["low"]).to_numpy()
    np.testing.assert_allclose(reach, 2 * (narrow["high"] - narrow["low"]), rtol=1e-9)
    assert (reach[live] > 0).any()


def test_moments_of_a_method_are_those_of_its_live_directions():
    table, found, similarities = scored(30)
    held = subsamples(30, 5, seed=0)
    draws = index_draws(table, found, similarities, Index(3, "code"), held)
    moments = draws_by_method(table, draws)
    assert len(moments) == 2 * 5 * 5
    for keys, rows in moments.groupby(["method", "metric", "part"]):
        chosen = (table[["method", "metric", "part"]] == list(keys)).all(axis=1)
        values = draws[chosen & (table["state"] == LIVE)]
        assert list(rows["draw"]) == [0, 1, 2, 3, 4]
        assert (rows["count"] == 2).all()
        np.testing.assert_allclose(rows["mean"], values.mean(axis=0))
        np.testing.assert_allclose(rows["variance"], values.var(axis=0, ddof=1))


def test_moments_of_one_live_direction_and_of_none():
    table = pd.DataFrame({"method": ["a", "b"], "metric": "color", "part": ALL})
    table = table.assign(state=[LIVE, DEAD])
    moments = draws_by_method(table, np.array([[1.0, 2.0], [np.nan, np.nan]]))
    np.testing.assert_array_equal(moments["count"], [1, 1, 0, 0])
    np.testing.assert_array_equal(moments["mean"], [1, 2, np.nan, np.nan])
    assert moments["variance"].isna().all()


def sample(rng: np.random.Generator, count: int) -> tuple[dict, list[Similarity]]:
    """Directions of ten hidden features of `count` fresh images, whose colour is three of them."""
    features = rng.standard_normal((count, 10))
    noise = 0.5 * rng.standard_normal((count, MIXTURES.shape[1]))
    found = {"neurons": directions_of(np.maximum(features @ MIXTURES + noise, 0))}
    return found, [Color(features[:, :3])]


MIXTURES = np.random.default_rng(0).standard_normal((10, 30)) / 3


def test_subsamples_tell_how_the_index_varies_over_fresh_images():
    """Standard deviations of directions and of their mean, against those over 500 fresh sets."""
    rng, fresh, reaches, means = np.random.default_rng(1), [], [], []
    for repeat in range(500):
        found, similarities = sample(rng, 300)
        table = index_table(found, similarities, PAIRS)
        fresh.append(table["ii"])
        if repeat < 40:
            held = subsamples(300, 40, seed=repeat)
            draws = index_draws(table, found, similarities, PAIRS, held)
            reaches.append(with_intervals(table, draws, 300).eval("(high - low) / 2 / 1.968"))
            means.append(image_deviations(draws.mean(axis=0), 300))
    told, known = np.square(reaches).mean(), np.var(fresh, axis=0).mean()
    assert np.sqrt(told / known) == pytest.approx(1, abs=0.06)
    told, known = np.square(means).mean(), np.var(np.mean(fresh, axis=1))
    assert np.sqrt(told / known) == pytest.approx(1, abs=0.15)


def test_photographs_drawn_whole_tell_how_the_mean_varies_over_fresh_photographs():
    """Images of one of ten photographs share half of their variance."""
    rng, fresh, told = np.random.default_rng(2), [], {"classes": [], "stimuli": []}
    photographs = np.repeat(np.arange(10), 30)
    for repeat in range(200):
        shared = rng.standard_normal((10, 10))[photographs]
        features = np.sqrt(0.5) * (shared + rng.standard_normal((300, 10)))
        found = {"neurons": directions_of(np.maximum(features @ MIXTURES, 0))}
        similarities = [Color(features[:, :3])]
        table = index_table(found, similarities, PAIRS)
        fresh.append(table["ii"].mean())
        if repeat < 20:
            for drawn, groups in (("classes", photographs), ("stimuli", np.arange(300))):
                held = group_subsamples(groups, 40, seed=repeat)
                draws = index_draws(table, found, similarities, PAIRS, held).mean(axis=0)
                told[drawn].append(image_deviations(draws, len(np.unique(groups))))
    whole, single = (np.sqrt(np.square(told[n]).mean() / np.var(fresh)) for n in told)
    assert whole == pytest.approx(1.1, abs=0.2)
    assert single < whole - 0.15
