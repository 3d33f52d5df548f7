"""Public functions take whatever holds numbers, and refuse the rest by the name of the argument."""

from collections.abc import Callable
from functools import partial
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
import xarray

from codespectra.directions.baselines import ica, kmeans_code, nmf, pca
from codespectra.directions.directions import Directions, Encoder, neurons
from codespectra.directions.encode import respond
from codespectra.directions.finders import exemplar, kmeans, kmeans_identity, random
from codespectra.directions.kmeans import spherical_kmeans
from codespectra.errors import ArgumentError
from codespectra.interpretability.index import Index, index_table
from codespectra.interpretability.similarity import Color, Embedding, Label
from codespectra.spectra import cvpca, power_law
from codespectra.spectra.eigenspectrum import spectrum
from codespectra.statistics.evidence import compare_groups, rank_correlation, slope_over_networks
from codespectra.statistics.intervals import mean_interval
from codespectra.statistics.ranking import top_stimuli

rng = np.random.default_rng(0)
ROWS = rng.random((60, 8)).astype(np.float32)
LINE = np.sort(rng.random(60))[::-1].copy()


def score(similarity: Callable[[Any], Any], table: Any) -> np.ndarray:
    found = index_table({"neurons": neurons(ROWS)}, [similarity(table)], Index(m=3))
    return found["ii"].to_numpy()


def index_of(responses: Any) -> np.ndarray:
    found = {"mine": Directions(np.eye(8), responses)}
    return index_table(found, [Label(np.arange(60) % 4)], Index(m=3))["ii"].to_numpy()


def vectors_of(finder: Callable, **options: Any) -> Callable[[Any], np.ndarray]:
    def find(rows: Any) -> np.ndarray:
        found = finder(rows, **options)
        return np.concatenate([found.vectors.T, found.responses])

    return find


# By what takes the numbers, and the name of the argument.
MATRICES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "spectrum": (lambda rows: spectrum(rows).eigenvalues, "rows"),
    "window": (lambda rows: spectrum(rows, solver="window").eigenvalues, "rows"),
    "randomized": (
        lambda rows: spectrum(rows, components=4, solver="randomized").eigenvalues,
        "rows",
    ),
    "bootstrap": (partial(power_law.bootstrap_exponents, ranks=(1, 7), resamples=5), "scores"),
    "cvpca": (lambda rows: cvpca.cross_validated_spectrum(rows, ROWS).eigenvalues, "first"),
    "cvpca, second": (lambda rows: cvpca.cross_validated_spectrum(ROWS, rows).scores, "second"),
    "repeats": (lambda rows: cvpca.repeats(rows)[1][:], "rows"),
    "neurons": (vectors_of(neurons), "activations"),
    "pca": (vectors_of(pca, k=3), "activations"),
    "ica": (vectors_of(ica, k=3, iterations=20, seed=0), "activations"),
    "nmf": (vectors_of(nmf, k=3, iterations=20, seed=0), "activations"),
    "kmeans": (vectors_of(kmeans, k=3, starts=1, readout="dot", seed=0), "activations"),
    "kmeans_identity": (vectors_of(kmeans_identity, readout="cosine"), "activations"),
    "kmeans_code": (vectors_of(kmeans_code, k=3, starts=1, seed=0), "activations"),
    "random": (vectors_of(random, k=3, seed=0), "activations"),
    "exemplar": (vectors_of(exemplar, k=3, seed=0), "activations"),
    "respond": (
        lambda rows: respond(rows, np.eye(8, dtype="f4"), Encoder("cosine")),
        "activations",
    ),
    "spherical_kmeans": (lambda rows: spherical_kmeans(rows, 3).centroids, "rows"),
    "directions": (index_of, "responses"),
    "embedding": (
        partial(score, lambda table: Embedding("mine", {"all": table})),
        "tables\\['all'\\]",
    ),
    "color": (lambda table: score(Color, table), "table"),
    "top": (partial(top_stimuli, count=4), "responses"),
}
VECTORS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "fit": (lambda values: power_law.fit_power_law(values).alpha, "eigenvalues"),
    "cvpca fit": (lambda values: cvpca.fit_power_law(values).alpha, "eigenvalues"),
    "curvature": (power_law.curvature, "eigenvalues"),
    "interval": (mean_interval, "values"),
    "groups": (
        lambda values: compare_groups("", values, LINE[:9], resamples=9, seed=0).estimate,
        "first",
    ),
    "ranks": (
        lambda values: rank_correlation("", LINE, values, resamples=9, seed=0).estimate,
        "second",
    ),
    "slope": (lambda values: slope_over_networks("", "", values, LINE).estimate, "predictor"),
}
KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "a list": np.ndarray.tolist,
    "a tensor": torch.tensor,
    "a tensor with a gradient": lambda values: torch.tensor(values, requires_grad=True),
    "big-endian": lambda values: values.astype(values.dtype.newbyteorder(">")),
    "in another order": np.asfortranarray,
    "a data frame": lambda v: pd.DataFrame(v) if v.ndim == 2 else pd.Series(v),
    "xarray": xarray.DataArray,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*MATRICES, *VECTORS])
def test_numbers_of_any_kind_give_what_an_array_gives(name, kind):
    take, values = (MATRICES.get(name) or VECTORS[name])[0], ROWS if name in MATRICES else LINE
    np.testing.assert_allclose(take(KINDS[kind](values)), take(values), rtol=1e-6, atol=1e-6)


def with_nan(values: np.ndarray) -> np.ndarray:
    return np.where(values == values.max(), np.nan, values)


BAD: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "complex": (lambda values: values * 1j, "complex"),
    "text": (lambda values: values.astype(str), "no numbers"),
    "objects": (lambda values: values.astype(object), "no numbers"),
    "none": (lambda values: None, "no numbers"),
    "a path": (lambda values: "acts.npy", "no numbers"),
    "three axes": (lambda values: np.stack([values, values])[None], "of shape .*, expected"),
    "a number": (lambda values: 3.0, "of shape \\(\\), expected"),
    "ragged": (lambda values: [[1.0, 2.0], [3.0]], "can't be read as numbers"),
    "masked": (lambda values: np.ma.masked_greater(values, 0.5), "masked"),
    "sparse": (scipy.sparse.csr_array, "toarray"),
    "sparse tensor": (lambda values: torch.tensor(values).to_sparse(), "can't be read"),
}


@pytest.mark.parametrize("bad", [*BAD, "nan", "empty", "no columns"])
@pytest.mark.parametrize("name", MATRICES)
def test_what_is_no_matrix_of_numbers_is_refused_by_the_argument(name, bad):
    more = {
        "nan": (with_nan, "hold 1 numbers that are nan or infinite, the first in row \\d+ of 60"),
        "empty": (lambda values: values[:0], "of shape \\(0, 8\\)"),
        "no columns": (lambda values: values[:, :0], "of shape \\(60, 0\\)|responses has 0"),
    }
    spoil, words = (BAD | more)[bad]
    take, argument = MATRICES[name]
    if (name, bad) in {("top", "empty"), ("top", "no columns")}:
        pytest.skip("no directions have no images")
    with pytest.raises(ArgumentError, match=f"^{argument}\\b.*({words})|{words}") as refusal:
        take(spoil(ROWS))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad not in ("ragged", "sparse")])
@pytest.mark.parametrize("name", VECTORS)
def test_what_is_no_list_of_numbers_is_refused_by_the_argument(name, bad):
    spoil, words = BAD[bad]
    take, argument = VECTORS[name]
    with pytest.raises(ArgumentError, match=f"^{argument}\\b.*({words})"):
        take(spoil(LINE))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pca(ROWS, k=0), "k: 0 is no whole number from 1 on"),
        (lambda: pca(ROWS, k="0.5x"), "k: '0.5x' is no whole number"),
        (lambda: pca(ROWS, k=9), "k: 9 is more than the 8 that 60 stimuli in 8 units allow"),
        (lambda: exemplar(ROWS, k=61, seed=0), "k: 61 is more than 60 stimuli"),
        (lambda: random(ROWS, k=2.5, seed=0), "k: 2.5 is no whole number"),
        (lambda: nmf(ROWS - 1, k=2, iterations=9, seed=0), "activations go down to -"),
        (lambda: pca(np.ones((9, 3)), k=1), "activations: all units are constant"),
        (
            lambda: kmeans(ROWS, k=2, starts=1, readout="cosinus", seed=0),
            "unknown readout 'cosinus'; did you mean 'cosine'",
        ),
        (lambda: kmeans(ROWS, k=2, starts=0, readout="dot", seed=0), "starts: 0 is no whole"),
        (lambda: spectrum(ROWS[:1]), "rows of shape \\(1, 8\\): a spectrum needs at least 2"),
        (lambda: spectrum(ROWS, solver="exakt"), "unknown solver 'exakt'; did you mean 'exact'"),
        (lambda: spectrum(ROWS, components=0), "components: 0 is no whole"),
        (lambda: power_law.fit_power_law(LINE, ranks=(5, 2)), "ranks: \\(5, 2\\) isn't"),
        (lambda: power_law.fit_power_law(LINE, ranks=7), "ranks: 7 isn't"),
        (lambda: cvpca.repeats(ROWS[:7]), "rows: 7 rows are not two repeats"),
        (lambda: Index(m=1), "m: 1 is no whole number from 2 on"),
        (lambda: Index(m=3, normalisation="mean"), "unknown normalisation 'mean'"),
        (
            lambda: index_table({"a": neurons(ROWS)}, [Label(range(60))], Index(m=61)),
            "m: 61 is more than the 60 stimuli",
        ),
        (
            lambda: index_table({"a": neurons(ROWS), "b": neurons(ROWS[:5])}, [], Index(m=2)),
            "found holds responses of other numbers of stimuli: {'a': 60, 'b': 5}",
        ),
        (lambda: Directions(np.eye(3), ROWS), "responses has 8 columns, but there are 3 vectors"),
        (
            lambda: rank_correlation("", LINE, LINE[:3], resamples=9, seed=0),
            "second has 3 values, but first 60",
        ),
    ],
)
def test_an_argument_that_cannot_be_right_is_named_in_one_line(call, words):
    with pytest.raises(ArgumentError, match=f"^{words}") as refusal:
        call()
    assert isinstance(refusal.value, ValueError)
    assert "\n" not in str(refusal.value)


def test_a_dataset_is_streamed_and_checked_as_it_is_read(tmp_path, monkeypatch):
    """No door reads it whole."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        rows = file.create_dataset("a", data=ROWS, chunks=(10, 8))
        whole = spectrum(ROWS).eigenvalues
        monkeypatch.setattr(h5py.Dataset, "__array__", None)
        np.testing.assert_allclose(spectrum(rows).eigenvalues, whole, rtol=1e-5)
        assert len(cvpca.repeats(rows)[0]) == 30
        rows[3, 4] = np.nan
        with pytest.raises(ArgumentError, match=r"rows of shape .* hold infs or nans"):
            spectrum(rows)
        with pytest.raises(ArgumentError, match=r"rows of shape \(60,\)"):
            spectrum(file.create_dataset("line", data=LINE))


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, tuple, pd.Categorical])
@pytest.mark.parametrize("labels", [["cat", "dog"] * 30, [3, 5] * 30])
def test_labels_are_numbers_or_text_of_any_kind(kind, labels):
    np.testing.assert_array_equal(score(Label, kind(labels)), score(Label, np.arange(60) % 2))
    with pytest.raises(ArgumentError, match=r"^table of shape \(60, 1\), expected \(N,\)"):
        Label(np.array(labels)[:, None])
