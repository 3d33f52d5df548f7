"""Similarity of images: LPIPS itself, and one answer however the pairs are asked for."""

from itertools import combinations

import lpips
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lpips_peer import random_lpips, trunk_state
from scipy.spatial.distance import cdist

from codespectra.data import photographs
from codespectra.errors import UserError
from codespectra.files.hdf5_files import create_hdf5
from codespectra.interpretability import embedding_table, lpips_embedding, similarity
from codespectra.interpretability.embedding_table import StoredTable
from codespectra.interpretability.feature_embedding import Backbone
from codespectra.interpretability.similarity import (
    ALL,
    Color,
    Embedding,
    Label,
    Similarity,
    read_similarities,
)

CPU = torch.device("cpu")
PAIRS = np.array(list(combinations(range(10), 2)))


@pytest.fixture(scope="module")
def peer() -> lpips.LPIPS:
    return random_lpips()


@pytest.fixture(scope="module")
def backbone(peer) -> Backbone:
    return lpips_embedding.alexnet_backbone(trunk_state(peer), CPU)


def noise(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(10, side, side, 3), dtype=np.uint8)


def natural(side: int) -> np.ndarray:
    """Tiles of photographs, the first two of them nearly the same."""
    tiles, _ = photographs.tiles(pitch=64, side=side, max_per_class=3, min_contrast=0.02, seed=0)
    tiles = tiles[::2][:9]
    similar = np.clip(tiles[:1].astype(int) + 1, 0, 255).astype(np.uint8)
    return np.concatenate([similar, tiles])


@torch.no_grad()
def lpips_of_pairs(peer: lpips.LPIPS, images: np.ndarray) -> list[np.ndarray]:
    """Their distance of every pair of the ten images, one array a layer."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() / 255
    first, second = PAIRS.T
    _, layers = peer(pixels[first], pixels[second], normalize=True, retPerLayer=True)
    return [layer.flatten().numpy() for layer in layers]


def assert_agrees(found: np.ndarray, expected: np.ndarray) -> None:
    error = np.abs(found - expected)
    assert (error <= np.maximum(1e-7, 1e-5 * np.abs(expected))).all(), error.max()


def embedding(parts: dict[str, np.ndarray]) -> Embedding:
    return Embedding("lpips", parts, np.arange(len(next(iter(parts.values())))))


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("images", [noise, natural])
def test_squared_embedding_distances_are_lpips(peer, backbone, images, side):
    """Each layer and the sum: pair by pair, as a matrix, and as the mean over a set."""
    parts = backbone.embed(images(side))
    layers = lpips_of_pairs(peer, images(side))
    assert list(parts) == [f"relu{count}" for count in range(1, 6)]
    expected = dict(zip(parts, layers, strict=True)) | {ALL: sum(layers)}
    alike, first, second = embedding(parts), PAIRS[:, 0], PAIRS[:, 1]
    pairs, inside = alike.within(PAIRS), alike.among(PAIRS)
    between, matrix = alike.between(first, second[:, None]), alike.matrix(np.arange(10))
    whole_set = alike.within(np.arange(10)[None])
    for part, distances in expected.items():
        assert distances.max() > 1e-5
        assert_agrees(-pairs[part], distances)
        assert_agrees(-inside[part][:, 0, 1], distances)
        assert_agrees(-between[part][:, 0], distances)
        assert_agrees(-matrix[part][first, second], distances)
        assert_agrees(-whole_set[part], distances.mean(dtype=np.float64, keepdims=True))


def test_an_image_is_at_distance_zero_from_itself(backbone):
    alike = embedding(backbone.embed(np.concatenate([natural(32), natural(32)])))
    twins = np.stack([np.arange(10), np.arange(10, 20)], axis=1)
    by_matrix = alike.matrix(np.arange(20))
    for part, found in alike.within(twins).items():
        np.testing.assert_allclose(found, 0, atol=1e-12)
        np.testing.assert_array_equal(by_matrix[part][twins[:, 0], twins[:, 1]], 0)
    assert alike.self_similarity == 0
    for found in alike.matrix(np.arange(20)).values():
        np.testing.assert_array_equal(np.diag(found), 0)


def test_batches_of_embeddings_do_not_matter(backbone):
    whole = backbone.embed(natural(32))
    for index, image in enumerate(natural(32)):
        for name, part in backbone.embed(image[None]).items():
            np.testing.assert_allclose(part[0], whole[name][index], atol=1e-6)


def test_dropped_channels_have_zero_weight_and_change_nothing(peer, backbone):
    """Channels of weight zero take no room; a tiny positive weight instead changes no distance."""
    heads = lpips_embedding.lpips_heads()
    for head, theirs in zip(heads, peer.lins, strict=True):
        np.testing.assert_array_equal(head, theirs.model[1].weight.detach().flatten())
        assert (head >= 0).all()
    kept = [int((head > 0).sum()) for head in heads]
    assert [head.numel() - n for head, n in zip(heads, kept, strict=True)] == [35, 55, 37, 18, 5]
    parts = backbone.embed(natural(32))
    areas = [49, 9, 1, 1, 1]
    assert [part.shape[1] for part in parts.values()] == list(np.multiply(kept, areas))

    everything = [head.clamp_min(1e-30) for head in heads]
    taps = lpips_embedding.relu_taps(backbone.network, everything)
    undropped = Backbone(backbone.network, taps, backbone.preprocess)
    whole = undropped.embed(natural(32))
    lean, full = (embedding(tables).within(PAIRS) for tables in (parts, whole))
    for name, part in whole.items():
        assert part.shape[1] > parts[name].shape[1]
        assert_agrees(lean[name], full[name])


def test_a_head_a_relu_and_weights_of_another_network_are_refused(peer, backbone):
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        lpips_embedding.relu_taps(backbone.network, [torch.ones(3)] * 4)
    state = trunk_state(peer)
    del state["features.6.weight"]
    with pytest.raises(UserError, match=r"features\.6\.weight is missing"):
        lpips_embedding.alexnet_backbone(state, CPU)


# One answer, however it is asked for -------------------------------------------------------------

IMAGES = 400


def example(metric: str) -> tuple[Similarity, dict]:
    """A metric on 400 images, and the same pair by pair from its definition."""
    rng = np.random.default_rng(0)
    if metric == "color":
        colors = rng.random((IMAGES, 3))
        return Color(colors), {ALL: lambda i, j: -np.sqrt(np.sum((colors[i] - colors[j]) ** 2))}
    if metric == "label":
        labels = rng.integers(3, size=IMAGES)
        return Label(labels), {ALL: lambda i, j: float(labels[i] == labels[j])}
    tables = {name: rng.random((IMAGES, width), np.float32) for name, width in WIDTHS.items()}
    exact = {name: rows.astype(float) for name, rows in tables.items()}
    alike = {
        name: lambda i, j, rows=rows: -np.sum((rows[i] - rows[j]) ** 2)
        for name, rows in exact.items()
    }
    alike[ALL] = lambda i, j: -sum(np.sum((rows[i] - rows[j]) ** 2) for rows in exact.values())
    return Embedding("backbone", tables, np.arange(IMAGES)), alike


WIDTHS = {"relu1": 5, "relu2": 40}
METRICS = ("color", "label", "backbone")
EXAMPLES = {metric: example(metric) for metric in METRICS}


def assert_answers(metric: str, sets: np.ndarray) -> None:
    """All four ways of asking agree with the definition, part by part."""
    found, alike = EXAMPLES[metric]
    within, among = found.within(sets), found.among(sets)
    between, matrix = found.between(sets[:, 0], sets), found.matrix(sets[0])
    for answers in (within, among, between, matrix):
        assert set(answers) == set(alike)
    for part, of_part in alike.items():
        pairs = np.array([[[of_part(i, j) for j in one] for i in one] for one in sets])
        above = pairs[:, *np.triu_indices(sets.shape[1], k=1)]
        close = {"rtol": 1e-5, "atol": 1e-5}
        np.testing.assert_allclose(within[part], above.mean(axis=1), **close)
        np.testing.assert_allclose(among[part], pairs, **close)
        np.testing.assert_allclose(between[part], pairs[:, 0], **close)
        np.testing.assert_allclose(matrix[part], pairs[0], **close)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_way_of_asking_gives_the_definition(metric, data):
    """Of few images many times, by the matrix of all pairs, and of many images once each."""
    images, members = data.draw(st.sampled_from([6, 20, IMAGES])), data.draw(st.integers(2, 6))
    count, rng = data.draw(st.integers(1, 30)), np.random.default_rng(data.draw(st.integers(0, 99)))
    sets = np.stack([rng.choice(images, members, replace=False) for _ in range(count)])
    assert_answers(metric, sets)


@pytest.mark.parametrize(
    ("images", "cheaper"), [(20, True), (IMAGES, False)], ids=["matrix", "directly"]
)
def test_both_routes_of_embeddings_are_taken(images, cheaper):
    """So that the test above is one of both."""
    rng = np.random.default_rng(1)
    sets = np.stack([rng.choice(images, 5, replace=False) for _ in range(25)])
    assert similarity._matrix_is_cheaper(sets.size, sets) == cheaper
    assert_answers("backbone", sets)


@pytest.mark.parametrize("metric", METRICS)
def test_an_image_with_itself_has_the_self_similarity(metric):
    found, _ = EXAMPLES[metric]
    np.testing.assert_array_equal(np.diag(found.matrix(np.arange(30))[ALL]), found.self_similarity)


@pytest.mark.parametrize("members", [2, 5, 9])
@pytest.mark.parametrize("images", [30, 360])
def test_wide_embeddings_far_from_the_origin(members, images):
    """40 sets of 7,000 numbers an image take several blocks; both routes."""
    rng = np.random.default_rng(0)
    rows = (5 + rng.random((images, 7000))).astype(np.float32)
    sets = np.stack([rng.choice(images, members, replace=False) for _ in range(40)])
    exact = rows.astype(np.float64)
    first, second = np.triu_indices(members, k=1)
    pairs = [-np.square(exact[one[first]] - exact[one[second]]).sum(axis=1) for one in sets]
    alike = embedding({"relu1": rows})
    np.testing.assert_allclose(alike.within(sets)[ALL], np.mean(pairs, axis=1), rtol=1e-5)
    np.testing.assert_allclose(alike.among(sets)[ALL][:, first, second], pairs, rtol=1e-5)
    between = alike.between(sets[:, 0], sets[:, 1:])[ALL]
    np.testing.assert_allclose(between, np.array(pairs)[:, : members - 1], rtol=1e-5)


@pytest.mark.parametrize("width", [256, 4000])
def test_near_pairs_are_as_right_as_others(width):
    """By the matrix of all pairs, at distances of 1e-9 to 2 of the squared lengths: 1e-4."""
    rng = np.random.default_rng(0)
    shares = np.geomspace(1e-9, 1, 200)
    rows = np.abs(rng.standard_normal((200, width))) * (rng.random((200, width)) < 0.4)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows + np.sqrt(shares / width)[:, None] * rng.standard_normal(rows.shape)
    table = np.concatenate([rows, near]).astype(np.float32)
    exact = cdist(table.astype(np.float64), table.astype(np.float64), "sqeuclidean")
    found = -embedding({"relu1": table}).matrix(np.arange(400))[ALL]
    np.testing.assert_allclose(found, exact, rtol=1e-4)


def test_only_the_rows_that_are_held_can_be_asked_about():
    (full, _), rng = EXAMPLES["backbone"], np.random.default_rng(2)
    held = np.sort(rng.choice(IMAGES, 50, replace=False))
    some = Embedding("backbone", {name: rows[held] for name, rows in full.tables.items()}, held)
    sets = rng.choice(held, (30, 4))
    for part, expected in full.within(sets).items():
        np.testing.assert_allclose(some.within(sets)[part], expected, rtol=1e-5, atol=1e-6)
    for outside in (held[0] - 1, held[-1] + 1, np.setdiff1d(np.arange(*held[[0, -1]]), held)[0]):
        with pytest.raises(ValueError, match="backbone: an image that isn't among the rows held"):
            some.within(np.array([[held[3], outside]]))


def test_mean_color_of_more_images_than_a_block():
    images = np.random.default_rng(0).integers(256, size=(2500, 2, 2, 3), dtype=np.uint8)
    expected = images.mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(similarity.mean_color(images), expected, rtol=1e-12)


# From files --------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path) -> dict:
    """Ten images with and without labels, and two embeddings of them."""
    rng = np.random.default_rng(0)
    for name in ("labelled", "plain"):
        with create_hdf5(tmp_path / f"{name}.h5") as file:
            file["images"] = noise(8)
            if name == "labelled":
                file["labels"] = np.arange(10) % 3
    for name in ("one", "other"):
        with create_hdf5(tmp_path / f"{name}.h5") as file:
            file.attrs["parts"] = ["relu1", "relu2"]
            for part in ("relu2", "relu1"):
                file[part] = rng.random((10, 6)).astype(np.float32)
    return {name: str(tmp_path / f"{name}.h5") for name in ("labelled", "plain", "one", "other")}


def test_metrics_come_in_one_order_with_all_their_parts(files):
    embeddings = [files["other"], files["one"]]
    wanted = {"color": True, "label": True, "backbones": ["other", "one"]}
    found = read_similarities(files["labelled"], embeddings, wanted)
    assert [one.metric for one in found] == ["color", "label", "other", "one"]
    sets = np.array([[0, 3, 6], [1, 2, 3]])
    parts = [list(one.within(sets)) for one in found]
    assert parts == [[ALL], [ALL], ["relu1", "relu2", ALL], ["relu1", "relu2", ALL]]
    assert found[1].within(sets)[ALL].tolist() == [1, 0]
    found = read_similarities(files["plain"], [], wanted | {"label": False, "backbones": []})
    assert [one.metric for one in found] == ["color"]


@pytest.mark.parametrize("images", [[7, 2, 2, 9], [[0, 1, 2, 3], [4, 5, 6, 7]]])
def test_reading_the_asked_rows_gives_what_all_rows_give(files, images):
    """Few rows are read one by one, many at once."""
    wanted = {"color": False, "label": False, "backbones": ["one"]}
    (every,) = read_similarities(files["plain"], [files["one"]], wanted)
    (some,) = read_similarities(files["plain"], [files["one"]], wanted, np.array(images))
    asked = np.unique(images)
    np.testing.assert_array_equal(some.images, asked)
    for part, expected in every.matrix(asked).items():
        np.testing.assert_array_equal(some.matrix(asked)[part], expected)


def test_embeddings_that_stay_in_their_file_are_as_alike(files, monkeypatch):
    """Read two columns at a time, of all rows or of a few."""
    wanted = {"color": False, "label": False, "backbones": ["one"]}
    (held,) = read_similarities(files["plain"], [files["one"]], wanted)
    monkeypatch.setattr(embedding_table, "MOST_HELD", 20)
    (read,) = read_similarities(files["plain"], [files["one"]], wanted, [[1]])
    assert isinstance(read.tables["relu1"], StoredTable)
    rng = np.random.default_rng(0)
    few, many = (
        np.array([[0, 3, 9], [3, 9, 0]]),
        rng.permuted(np.tile(np.arange(10), (7, 1)), axis=1),
    )
    places = rng.permuted(np.tile(np.arange(6, dtype=np.uint8), (4, 7, 1)), axis=2)[..., :3]
    asked = [(many[:, :6], places), (few, places[:, :2] // 2), (few[:0], places[:, :0])]
    answers = [list(one.of_lists(asked)) for one in (held, read)]
    for sets in (few, many[:, :5]):
        for one, found in zip((held, read), answers, strict=True):
            found.append((one.within(sets), one.among(sets)))
            found.append((one.between(sets[:, 0], sets), one.matrix(sets[0])))
    for expected, found in zip(*answers, strict=True):
        for held_parts, read_parts in zip(expected, found, strict=True):
            assert list(held_parts) == list(read_parts) == ["relu1", "relu2", ALL]
            for part, values in held_parts.items():
                np.testing.assert_allclose(read_parts[part], values, rtol=1e-5, atol=1e-7)
    pairs = held.among(many[:, :6])[ALL]
    for draw, own in enumerate(places):
        chosen = np.stack([one[np.ix_(p, p)] for one, p in zip(pairs, own, strict=True)])
        wanted = chosen[:, *np.triu_indices(3, 1)].mean(axis=1)
        np.testing.assert_allclose(answers[1][0][1][ALL][:, draw], wanted, rtol=1e-5)


def test_labels_of_a_set_without_labels_are_refused(files):
    with pytest.raises(UserError, match=r"plain\.h5: holds no labels.*index\.label"):
        read_similarities(files["plain"], [], {"color": False, "label": True, "backbones": []})
