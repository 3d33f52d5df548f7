"""Nonnegative parts and codes: the steps of scikit-learn's coordinate descent, in blocks."""

import warnings

import numpy as np
import pytest
from sklearn.decomposition import NMF, non_negative_factorization

from codespectra.directions import nonnegative


@pytest.mark.parametrize("block", [50, 2**19])
def test_the_descent_is_that_of_scikit_learn(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts in panels, rows in blocks that don't divide them, and two dead parts among them."""
    monkeypatch.setattr(nonnegative, "BLOCK", block)
    rng = np.random.default_rng(0)
    rows, codes, parts = (rng.random(shape) for shape in ((203, 30), (203, 21), (21, 30)))
    search = NMF(21, init="custom", max_iter=8, tol=0)
    warnings.simplefilter("ignore")
    expected = search.fit_transform(rows, W=codes.copy(), H=parts.copy())
    found, found_parts, sweeps = nonnegative.factorise(rows, codes, parts, 8)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found_parts, search.components_, rtol=1e-6, atol=1e-9)
    assert sweeps == search.n_iter_

    parts[3:5] = 0
    given = (rows, None, parts)
    expected, _, done = non_negative_factorization(*given, update_H=False, tol=1e-3, max_iter=500)
    found, sweeps = nonnegative.nonnegative_code(rows, parts, 500, tolerance=1e-3)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert sweeps == done < 500
