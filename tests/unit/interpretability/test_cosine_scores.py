"""Scores of cosines, held or read: each against its definition in float64, and peers' formulas."""

from collections.abc import Iterator

import h5py
import numpy as np
import pytest
from sklearn.cluster import KMeans

from codespectra.errors import UserError
from codespectra.interpretability import cosines as cosines_module
from codespectra.interpretability.all_pairs import AllPairs, pairs_fit, pairwise, rows_fit
from codespectra.interpretability.cosines import (
    Cosines,
    HeldCosines,
    ReadCosines,
    squared_lengths,
)
from codespectra.interpretability.monosemanticity import monosemanticity
from codespectra.interpretability.semantic_lens import clarity, polysemanticity, redundancy
from codespectra.interpretability.similarity import Embedding

RNG = np.random.default_rng(0)
COUNT, UNITS = 60, 7
TABLES = {
    part: (RNG.standard_normal((COUNT, width)) + 0.5).astype(np.float32)
    for part, width in (("a", 5), ("b", 9))
}
ROWS = np.hstack(list(TABLES.values())).astype(np.float64)
UNIT_ROWS = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
RESPONSES = RNG.standard_normal((COUNT, UNITS)).astype(np.float32)
GROUPS = RNG.permutation(COUNT) % 6


@pytest.fixture(params=["pairs", "rows", "file"])
def cosines(request, monkeypatch) -> Iterator[Cosines]:
    """Of all pairs at once, or of rows in memory or in a file, in blocks of a few."""
    lengths = squared_lengths(TABLES, "backbone")
    if request.param == "pairs":
        yield HeldCosines(pairwise(TABLES), lengths)
        return
    monkeypatch.setattr(cosines_module, "BLOCK_NUMBERS", 100)
    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        stored = {part: file.create_dataset(part, data=table) for part, table in TABLES.items()}
        yield ReadCosines(stored if request.param == "file" else TABLES, lengths)


def double_sum(responses: np.ndarray, low: float) -> float:
    """Monosemanticity as defined, pair by pair."""
    weights = responses.astype(np.float64) - low
    above = below = 0.0
    for i in range(len(weights)):
        for j in range(i):
            if np.isfinite(weights[i] * weights[j]):
                above += weights[i] * weights[j] * (UNIT_ROWS[i] @ UNIT_ROWS[j])
                below += weights[i] * weights[j]
    return above / below


HELD = np.array([[True] * 6, [True, True, False, True, False, True], [False] * 5 + [True]])


def test_monosemanticity_is_the_double_sum_over_pairs(cosines):
    """Of parts of the images too, whose responses stay scaled as with all."""
    found = monosemanticity(RESPONSES, cosines, GROUPS, HELD)
    low = RESPONSES.min(axis=0)
    for held, values in zip(HELD, found, strict=True):
        part = np.where(held[GROUPS][:, None], RESPONSES, np.nan)
        expected = [double_sum(*one) for one in zip(part.T, low, strict=True)]
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_monosemanticity_of_scaled_and_of_few_responses(cosines):
    both = RESPONSES, 5 + 3 * RESPONSES
    found, scaled = (monosemanticity(one, cosines, GROUPS, HELD) for one in both)
    np.testing.assert_allclose(scaled, found, atol=1e-6)
    few = np.zeros((COUNT, 3), dtype=np.float32)
    few[0, 1] = few[:2, 2] = 1
    found = monosemanticity(few, cosines, GROUPS, HELD[:1])[0]
    np.testing.assert_allclose(found, [np.nan, np.nan, UNIT_ROWS[0] @ UNIT_ROWS[1]], atol=1e-6)


SETS = np.stack([RNG.choice(COUNT, 8, replace=False) for _ in range(UNITS)])


def peers_clarity(rows: np.ndarray) -> np.ndarray:
    """Semantic Lens' formula of its package, from vectors (S, M, d)."""
    unit = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    count = rows.shape[1]
    return ((unit.mean(axis=1) ** 2).sum(axis=1) - 1 / count) / (count - 1) * count


def test_clarity_is_the_mean_cosine_and_the_peer_s_formula(cosines):
    found = clarity(cosines.among(SETS))
    pairs = np.triu_indices(8, k=1)
    expected = [np.mean((UNIT_ROWS[s] @ UNIT_ROWS[s].T)[pairs]) for s in SETS]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found, peers_clarity(ROWS[SETS]), atol=1e-6)


def test_redundancy_is_the_largest_cosine_to_another_set_and_the_peer_s_formula(cosines):
    means = UNIT_ROWS[SETS].mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    expected = (means @ means.T - 2 * np.eye(UNITS)).max(axis=1)
    np.testing.assert_allclose(redundancy(cosines, SETS), expected, atol=1e-6)
    assert np.isnan(redundancy(cosines, SETS[:1])).all()


def test_polysemanticity_is_that_of_2_means_centres(cosines):
    found = polysemanticity(cosines.among(SETS))
    for images, value in zip(SETS, found, strict=True):
        rows = UNIT_ROWS[images]
        ends = np.unravel_index((rows @ rows.T).argmin(), (8, 8))
        fit = KMeans(2, init=rows[list(ends)], n_init=1, tol=0).fit(rows)
        expected = 1 - peers_clarity(fit.cluster_centers_[None])[0]
        assert value == pytest.approx(expected, abs=1e-6)


def test_polysemanticity_of_one_image_again_and_of_two_kinds():
    alike, kinds = np.ones((6, 6)), np.kron(np.eye(2), np.ones((3, 3)))
    np.testing.assert_allclose(polysemanticity(np.stack([alike, kinds])), [0, 1])


def test_an_image_that_is_embedded_as_zeros_has_no_cosine():
    blank = {part: np.where(np.arange(COUNT)[:, None] == 9, 0, t) for part, t in TABLES.items()}
    with pytest.raises(UserError, match=r"backbone embeds 1 images as zeros.+image 9"):
        squared_lengths(blank, "backbone")


def test_all_pairs_are_the_similarity_of_embeddings():
    pairs, embedding = AllPairs("m", -pairwise(TABLES)), Embedding("m", TABLES)
    images, others = SETS[:, 0], SETS[:, 1:]
    for found, expected in (
        (pairs.within(SETS), embedding.within(SETS)),
        (pairs.among(SETS), embedding.among(SETS)),
        (pairs.between(images, others), embedding.between(images, others)),
        (pairs.matrix(images), embedding.matrix(images)),
    ):
        np.testing.assert_allclose(found["all"], expected["all"], rtol=1e-4, atol=1e-5)
    assert pairs_fit(TABLES) and rows_fit(TABLES)
    many, wide = (np.broadcast_to(np.float32(1), shape) for shape in ((9000, 5), (8000, 90_000)))
    assert not pairs_fit({"a": many}) and rows_fit({"a": many})
    assert not pairs_fit({"a": wide}) and not rows_fit({"a": wide})
