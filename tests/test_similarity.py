import warnings
from itertools import combinations

import lpips
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from codespectra import directions, perceptual, photographs, similarity
from codespectra.directions import Directions, top_stimuli
from codespectra.errors import UserError
from codespectra.interpretability import index_table, most_exciting
from codespectra.preprocessing import Preprocess

CPU = torch.device("cpu")
PAIRS = list(combinations(range(10), 2))


@pytest.fixture(scope="module")
def peer() -> lpips.LPIPS:
    """The package's AlexNet: a random trunk under the heads that it ships."""
    torch.manual_seed(0)
    with warnings.catch_warnings(action="ignore"):
        return lpips.LPIPS(net="alex", pnet_rand=True, pretrained=True, verbose=False)


@pytest.fixture(scope="module")
def backbone(peer) -> perceptual.Backbone:
    return perceptual.alexnet_backbone(trunk_state(peer), CPU)


def trunk_state(peer: lpips.LPIPS) -> dict[str, torch.Tensor]:
    """The package's `slice2.3.weight` under torchvision's name, `features.3.weight`."""
    weights = peer.net.state_dict().items()
    return {f"features.{name.partition('.')[2]}": value for name, value in weights}


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
    first, second = (list(rows) for rows in zip(*PAIRS, strict=True))
    _, layers = peer(pixels[first], pixels[second], normalize=True, retPerLayer=True)
    return [layer.flatten().numpy() for layer in layers]


def assert_agrees(found: np.ndarray, expected: np.ndarray) -> None:
    error = np.abs(found - expected)
    assert (error <= np.maximum(1e-7, 1e-5 * np.abs(expected))).all(), error.max()


def brute_force(sets: np.ndarray, alike) -> list[float]:
    """Mean of `alike` over the pairs of each set, pair by pair."""
    return [np.mean([alike(i, j) for i, j in combinations(members, 2)]) for members in sets]


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("images", [noise, natural])
def test_squared_embedding_distances_are_lpips(peer, backbone, images, side):
    """Each layer and the sum, pair by pair and as the mean over the pairs of a set."""
    parts = backbone.embed(images(side))
    expected = lpips_of_pairs(peer, images(side))
    assert list(parts) == [f"relu{count}" for count in range(1, 6)]
    pairs = np.array(PAIRS)
    scores = []
    for part, distances in zip(parts.values(), expected, strict=True):
        differences = part[pairs[:, 0]] - part[pairs[:, 1]]
        assert_agrees(np.square(differences).sum(axis=1), distances)
        scores.append(similarity.embedding_similarity(part, pairs))
        assert_agrees(-scores[-1], distances)
        assert distances.max() > 1e-5
    assert_agrees(-sum(scores), sum(expected))
    whole_set = np.arange(10)[None]
    total = sum(similarity.embedding_similarity(part, whole_set) for part in parts.values())
    assert_agrees(-total, sum(expected).mean(dtype=np.float64, keepdims=True))


def test_an_image_is_at_distance_zero_from_itself(backbone):
    parts = backbone.embed(np.concatenate([natural(32), natural(32)]))
    twins = np.stack([np.arange(10), np.arange(10, 20)], axis=1)
    for part in parts.values():
        np.testing.assert_allclose(similarity.embedding_similarity(part, twins), 0, atol=1e-12)


def test_batches_of_embeddings_do_not_matter(backbone):
    whole = backbone.embed(natural(32))
    for index, image in enumerate(natural(32)):
        for name, part in backbone.embed(image[None]).items():
            np.testing.assert_allclose(part[0], whole[name][index], atol=1e-6)


def test_dropped_channels_have_zero_weight_and_change_nothing(peer, backbone):
    """Channels of weight zero take no room; a tiny positive weight instead changes no distance."""
    heads = perceptual.lpips_heads()
    for head, theirs in zip(heads, peer.lins, strict=True):
        np.testing.assert_array_equal(head, theirs.model[1].weight.detach().flatten())
        assert (head >= 0).all()
    kept = [int((head > 0).sum()) for head in heads]
    assert [head.numel() - n for head, n in zip(heads, kept, strict=True)] == [35, 55, 37, 18, 5]
    parts = backbone.embed(natural(32))
    areas = [49, 9, 1, 1, 1]
    assert [part.shape[1] for part in parts.values()] == list(np.multiply(kept, areas))

    everything = [head.clamp_min(1e-30) for head in heads]
    undropped = perceptual.Backbone(backbone.trunk, everything, backbone.preprocess)
    pairs = np.array(PAIRS)
    for name, part in undropped.embed(natural(32)).items():
        assert part.shape[1] > parts[name].shape[1]
        full, lean = (similarity.embedding_similarity(x, pairs) for x in (part, parts[name]))
        np.testing.assert_allclose(lean, full, rtol=1e-6)


def test_backbone_without_heads_weighs_every_channel_alike():
    """LPIPS with all weights one: the mean over places of the unit features' squared distance."""
    torch.manual_seed(0)
    trunk = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 12, 3), nn.ReLU(inplace=True)),
    )
    settings = {"side": None, "mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2)}
    parts = perceptual.Backbone(trunk, None, Preprocess(settings, CPU)).embed(natural(32))
    pixels = (torch.from_numpy(natural(32)).permute(0, 3, 1, 2) / 255 - 0.5) / 0.2
    with torch.no_grad():
        maps = {"relu1": trunk[:2](pixels), "relu2": trunk(pixels)}
    for name, features in maps.items():
        unit = nn.functional.normalize(features, dim=1)
        expected = [(unit[i] - unit[j]).square().sum(dim=0).mean() for i, j in PAIRS]
        found = -similarity.embedding_similarity(parts[name], np.array(PAIRS))
        assert_agrees(found, np.array(expected))


def test_heads_of_another_trunk_and_weights_of_another_network_are_refused(peer, backbone):
    heads = [torch.ones(3)] * 4
    with pytest.raises(ValueError, match="4 heads for a trunk of 5 ReLUs"):
        perceptual.Backbone(backbone.trunk, heads, backbone.preprocess)
    state = trunk_state(peer)
    del state["features.6.weight"]
    with pytest.raises(UserError, match=r"features\.6\.weight is missing"):
        perceptual.alexnet_backbone(state, CPU)


@pytest.mark.parametrize("members", [2, 5, 9])
@pytest.mark.parametrize("width", [3, 7000])
def test_embedding_similarity_is_the_mean_over_pairs(members, width):
    """Far from the origin too; 40 sets of 7,000 numbers take several blocks."""
    rng = np.random.default_rng(0)
    embeddings = (5 + rng.random((30, width))).astype(np.float32)
    sets = np.stack([rng.choice(30, members, replace=False) for _ in range(40)])
    exact = embeddings.astype(np.float64)
    expected = brute_force(sets, lambda i, j: -np.square(exact[i] - exact[j]).sum())
    found = similarity.embedding_similarity(embeddings, sets)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_color_similarity_is_the_mean_over_pairs():
    images = noise(8)
    images[3], images[4] = (255, 0, 0), (0, 0, 255)
    colors = [image.reshape(-1, 3).astype(float).mean(axis=0) / 255 for image in images]
    np.testing.assert_allclose(similarity.mean_color(images), colors, rtol=1e-12)
    sets = np.array([[0, 3, 4, 7], [1, 2, 5, 9]])
    expected = brute_force(sets, lambda i, j: -np.sqrt(np.sum((colors[i] - colors[j]) ** 2)))
    found = similarity.color_similarity(similarity.mean_color(images), sets)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    red_and_blue = similarity.color_similarity(similarity.mean_color(images), np.array([[3, 4]]))
    np.testing.assert_allclose(red_and_blue, -np.sqrt(2))


def test_label_similarity_is_the_share_of_equal_pairs():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=50)
    sets = np.stack([rng.choice(50, 6, replace=False) for _ in range(30)])
    expected = brute_force(sets, lambda i, j: labels[i] == labels[j])
    np.testing.assert_allclose(similarity.label_similarity(labels, sets), expected, rtol=1e-12)
    by_hand = similarity.label_similarity(np.array([1, 1, 1, 0, 2]), np.arange(5)[None])
    assert by_hand == [3 / 10]


def test_equal_images_are_as_alike_as_can_be(backbone):
    images = np.repeat(natural(32)[4:5], 7, axis=0)
    sets = np.array([[0, 1, 2, 3, 4], [2, 3, 4, 5, 6]])
    for part in backbone.embed(images).values():
        np.testing.assert_allclose(similarity.embedding_similarity(part, sets), 0, atol=1e-12)
    colors = similarity.mean_color(images)
    np.testing.assert_array_equal(similarity.color_similarity(colors, sets), 0)
    np.testing.assert_array_equal(similarity.label_similarity(np.ones(7), sets), 1)


def test_direction_of_one_class_is_fully_interpretable():
    """Unit 0 fires for class 2 alone; unit 1 for one image of each class."""
    labels = np.arange(60) % 6
    activations = np.random.default_rng(0).random((60, 2)).astype(np.float32)
    activations[labels == 2, 0] += 1
    activations[12:18, 1] += 1
    found = directions.neurons(activations)
    scores = similarity.label_similarity(labels, most_exciting(found, 5))
    table = index_table(scores, found.dead, m=5, normalisation="pairs", self_similarity=1)
    np.testing.assert_array_equal(table["ii"], [1, 0])


@pytest.mark.parametrize(("normalisation", "factor"), [("pairs", 1), ("code", 0.8), ("literal", 4)])
def test_normalisations_of_a_metric_without_self_similarity(normalisation, factor):
    pair_means = np.array([-0.3, -1.7, 0])
    table = index_table(
        pair_means, np.zeros(3, bool), m=5, normalisation=normalisation, self_similarity=0
    )
    np.testing.assert_allclose(table["ii"], factor * pair_means, rtol=1e-12)


@pytest.mark.parametrize("normalisation", ["pairs", "code", "literal"])
def test_normalisations_of_the_label_are_the_double_sum(normalisation):
    labels = np.array([0, 0, 0, 1, 2])
    equal = labels[:, None] == labels
    expected = {"pairs": 6 / 20, "code": equal.sum() / 25, "literal": equal.sum() / 5}
    pair_means = similarity.label_similarity(labels, np.arange(5)[None])
    table = index_table(
        pair_means, np.zeros(1, bool), m=5, normalisation=normalisation, self_similarity=1
    )
    np.testing.assert_allclose(table["ii"], expected[normalisation], rtol=1e-12)


def test_dead_directions_are_counted_and_have_no_score():
    responses = np.random.default_rng(0).random((20, 4)).astype(np.float32)
    responses[:, 1], responses[:, 3] = 0, 7
    found = Directions(np.eye(4, dtype=np.float32), responses)
    np.testing.assert_array_equal(found.dead, [False, True, False, True])
    exciting = most_exciting(found, 5)
    np.testing.assert_array_equal(exciting, np.argsort(-responses[:, [0, 2]], axis=0)[:5].T)
    scores = np.array([-1.0, -2.0])
    table = index_table(scores, found.dead, m=5, normalisation="pairs", self_similarity=0)
    np.testing.assert_array_equal(table["ii"], [-1, np.nan, -2, np.nan])
    assert list(table["dead"]) == [False, True, False, True]
    assert list(table["direction"]) == [0, 1, 2, 3]


def test_more_exciting_images_than_stimuli_are_refused():
    found = Directions(np.eye(2), np.arange(8.0).reshape(4, 2))
    assert most_exciting(found, 4).shape == (2, 4)
    with pytest.raises(UserError, match=r"interpretability\.m: 5 is more than the 4 stimuli"):
        most_exciting(found, 5)


@given(
    arrays.arrays(
        np.int64, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.integers(-3, 3)
    ),
    st.data(),
)
def test_top_stimuli_are_those_of_a_stable_sort(responses, data):
    count = data.draw(st.integers(1, len(responses)))
    expected = np.argsort(-responses, axis=0, kind="stable")[:count].T
    np.testing.assert_array_equal(top_stimuli(responses.astype(np.float32), count), expected)


def test_ties_go_to_the_lowest_row():
    responses = np.array([[1, 5], [3, 5], [3, 5], [0, 5], [3, 6]], dtype=np.float32)
    np.testing.assert_array_equal(top_stimuli(responses, 2), [[1, 2], [4, 0]])


def test_read_outs_by_definition():
    rng = np.random.default_rng(0)
    rows, vectors = rng.standard_normal((50, 8)), rng.standard_normal((6, 8))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = {
        "dot": [[row @ vector for vector in vectors] for row in rows],
        "cosine": [[row @ vector for vector in vectors] for row in unit],
        "neg_distance": [[-np.linalg.norm(row - v) for v in vectors] for row in unit],
    }
    for how, responses in expected.items():
        found = directions.read_out(rows, vectors, how)
        np.testing.assert_allclose(found, responses, rtol=1e-5, atol=1e-6)


def test_distance_ranks_unit_centroids_as_the_cosine_does():
    rng = np.random.default_rng(0)
    rows, vectors = rng.standard_normal((200, 8)), rng.standard_normal((6, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine, distance = (
        directions.read_out(rows, vectors, how) for how in ("cosine", "neg_distance")
    )
    np.testing.assert_array_equal(cosine.argsort(axis=0), distance.argsort(axis=0))
    np.testing.assert_allclose(distance, -np.sqrt(2 - 2 * cosine), atol=1e-6)


def test_strongest_response_of_a_random_direction_is_positive():
    activations = np.random.default_rng(0).standard_normal((40, 12)).astype(np.float32)
    found = directions.random(activations, k=64, seed=5)
    strongest = np.abs(found.responses).argmax(axis=0)
    assert (found.responses[strongest, np.arange(64)] > 0).all()
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found.responses, activations @ found.vectors.T, atol=1e-6)
    again, other = (directions.random(activations, k=64, seed=seed) for seed in (5, 6))
    np.testing.assert_array_equal(again.vectors, found.vectors)
    assert not np.isclose(other.vectors, found.vectors).all(axis=1).any()
    # Isotropic: no coordinate has more than its share of the squared length.
    many = directions.random(activations, k=20_000, seed=0).vectors
    np.testing.assert_allclose(np.square(many).mean(axis=0), 1 / 12, rtol=0.05)


def test_exemplars_are_stimuli_of_the_set():
    activations = np.random.default_rng(0).standard_normal((30, 12)).astype(np.float32)
    unit = activations / np.linalg.norm(activations, axis=1, keepdims=True)
    found = directions.exemplar(activations, k=30, seed=1)
    np.testing.assert_allclose(found.vectors, unit, atol=1e-6)
    few = directions.exemplar(activations, k=7, seed=1)
    chosen = few.responses.argmax(axis=0)
    assert len(set(chosen)) == 7
    np.testing.assert_allclose(few.vectors, unit[chosen], atol=1e-6)
    np.testing.assert_allclose(few.responses, unit @ unit[chosen].T, atol=1e-6)
    with pytest.raises(UserError, match=r"exemplar\.k: 31 is more than 30 stimuli"):
        directions.exemplar(activations, k=31, seed=1)


def test_kmeans_directions_respond_most_to_their_cluster():
    rng = np.random.default_rng(0)
    bundles = np.arange(80) % 4
    rows = rng.standard_normal((4, 16))[bundles] + 0.05 * rng.standard_normal((80, 16))
    found = directions.kmeans(rows.astype(np.float32), k=4, starts=3, readout="cosine", seed=0)
    scores = similarity.label_similarity(bundles, top_stimuli(found.responses, 20))
    np.testing.assert_array_equal(scores, 1)
    with pytest.raises(UserError, match=r"methods\.kmeans: k = 81 .*80"):
        directions.kmeans(rows, k=81, starts=1, readout="cosine", seed=0)
