"""Moments of rows that grow at their end: the very bits of a run over all rows at once."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from planted_codes import planted

from codespectra.files.hdf5_files import create_hdf5
from codespectra.spectra import eigenspectrum, moments
from codespectra.spectra.moments import KeptMoments, Moments

WIDTH, STEP = 16, 64  # of the rows, and rows of a slab
ROWS = planted(700, WIDTH, -1.0) + 5
ROWS[0, 0] = 15  # the largest, so that the scale of the rows stays


@pytest.fixture(autouse=True)
def added(monkeypatch) -> list[int]:
    """Slabs are small; how many rows are added to moments."""
    counts: list[int] = []
    add = Moments.add
    monkeypatch.setattr(moments, "SLAB", WIDTH * STEP)
    monkeypatch.setattr(moments, "SHIFTED", STEP)
    monkeypatch.setattr(
        Moments, "add", lambda own, slab: counts.append(len(slab)) or add(own, slab)
    )
    return counts


def fit(rows: np.ndarray, earlier: Path | None, new: Path, components: int = 1000):
    """The spectrum, whose moments go from one file to the next."""
    with create_hdf5(new) as file:
        kept = KeptMoments("relu", earlier, file)
        return eigenspectrum.spectrum(rows, components=components, kept=kept)


@pytest.mark.parametrize("components", [1000, 5])  # sums of float64, of float32
@pytest.mark.parametrize("counts", [(64, 65, 200, 700), (63, 128, 256), (300, 299, 301)])
def test_grown_rows_have_the_bits_of_a_fresh_run(tmp_path, added, counts, components):
    """Rows come and go; the file that is left for the next run is a fresh run's, too."""
    earlier = None
    for number, count in enumerate(counts):
        grown, fresh = tmp_path / f"{number}.h5", tmp_path / f"{number}-fresh.h5"
        added.clear()
        found = fit(ROWS[:count], earlier, grown, components)
        known = counts[number - 1] // STEP * STEP if number else 0
        assert sum(added) == count - (known if known <= count else 0)
        wanted = fit(ROWS[:count], None, fresh, components)
        np.testing.assert_array_equal(found.eigenvalues, wanted.eigenvalues)
        np.testing.assert_array_equal(found.scores, wanted.scores)
        assert grown.read_bytes() == fresh.read_bytes()
        earlier = grown


def test_a_steep_spectrum_keeps_both_sums(tmp_path, added):
    rows = planted(300, WIDTH, -9.0)
    fit(rows[:200], None, tmp_path / "a.h5", components=12)
    assert sum(added) == 400  # in float32, then in float64
    added.clear()
    fit(rows, tmp_path / "a.h5", tmp_path / "b.h5", components=12)
    assert sum(added) == 2 * (300 - 192)


@pytest.mark.parametrize("change", ["a row", "the scale"])
def test_other_rows_are_all_added(tmp_path, added, change):
    fit(ROWS[:200], None, tmp_path / "a.h5")
    rows = ROWS.copy()
    rows[100 if change == "a row" else 500] *= 1.5 if change == "a row" else 64
    added.clear()
    fit(rows, tmp_path / "a.h5", tmp_path / "b.h5")
    assert sum(added) == len(rows)


@pytest.mark.parametrize("shape", [(100, 200), (63, WIDTH)])
def test_nothing_is_kept_of_fewer_rows_than_units_or_than_a_slab(tmp_path, shape):
    fit(planted(*shape, -1.0), None, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert [*file] == []


def test_a_layer_that_stays_is_left_as_it_was(tmp_path):
    fit(ROWS, None, tmp_path / "a.h5")
    with create_hdf5(tmp_path / "b.h5") as file:
        KeptMoments("relu", tmp_path / "a.h5", file).carry()
        KeptMoments("layer1", tmp_path / "a.h5", file).carry()
    assert (tmp_path / "b.h5").read_bytes() == (tmp_path / "a.h5").read_bytes()
