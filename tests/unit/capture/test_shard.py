"""A capture in shards says the same as one that a single job made, and so do its spectra."""

import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from captures import (
    CONTEXT,
    GPT_PARTS,
    REDUCTIONS,
    capture_images,
    capture_noisy,
    capture_tokens,
    dropping,
    gpt,
    layers_of,
    parts_of,
    pictures,
    read,
    reused,
    sequences,
)
from hypothesis import given
from hypothesis import strategies as st
from planted_codes import planted

from codespectra.capture import images, text
from codespectra.capture.activation_file import write_rows
from codespectra.capture.gather_shards import correct_in, gather, shard_manifest
from codespectra.capture.layout import Layout
from codespectra.capture.shard import Shard
from codespectra.data.tokenization import tokens_of
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest, open_hdf5
from codespectra.files.manifests import write_manifest
from codespectra.models.byte_gpt2 import byte_tokenizer
from codespectra.models.hooks import Wanted
from codespectra.spectra import eigenspectrum, moments, power_law


@given(count=st.integers(0, 3000), grain=st.integers(1, 300), of=st.integers(1, 40))
def test_shards_take_every_stimulus_once_and_begin_at_the_grain(count, grain, of):
    shares = [Shard(number, of).share(count, grain) for number in range(1, of + 1)]
    assert [index for share in shares for index in share] == [*range(count)]
    assert all(share.start % grain == 0 or share.start == count for share in shares)
    grains = [-(-len(share) // grain) for share in shares]
    assert max(grains) - min(grains) <= 1


# Captures -----------------------------------------------------------------------------------------


def in_shards(path: Path, of: int, run, layout: Layout) -> Path:
    """Capture each of `of` shards by `run(path, shard=...)`, and gather them at `path`."""
    shards = [path.with_suffix(".shards") / f"{number}.h5" for number in range(1, of + 1)]
    for number, shard in enumerate(shards, start=1):
        run(shard, shard=Shard(number, of))
    gather(path, layout, shards, None)
    return path


def layout_of(wanted: list[Wanted], count: int, noisy: bool = False, **attributes) -> Layout:
    return images.image_layout(wanted, count, dtype="float32", attributes=attributes, noisy=noisy)


def agree(gathered: Path, whole: Path) -> None:
    """Assert that two files hold the same, as all that comes later sees them."""
    assert hdf5_digest(gathered) == hdf5_digest(whole)
    found, expected = read(gathered), read(whole)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values)


@pytest.mark.parametrize("of", [2, 3, 7])
def test_images_in_shards(tmp_path, monkeypatch, of):
    monkeypatch.setattr(images, "GRAIN", 16)  # six grains: of seven shards one is empty
    labels = np.arange(90) % 5
    right = capture_images(tmp_path / "whole.h5", labels=labels).correct
    counts = []

    def run(path: Path, shard: Shard) -> None:
        written = capture_images(path, labels=labels, shard=shard)
        manifest = path.with_suffix(".json")
        write_manifest(manifest, shard_manifest(path, "this", written))
        counts.append(manifest)

    layout = layout_of(layers_of(reused(), *REDUCTIONS), 90, model="small", seed=3)
    agree(in_shards(tmp_path / "a.h5", of, run, layout), tmp_path / "whole.h5")
    assert correct_in(counts) == right > 0


@pytest.mark.parametrize("of", [2, 3, 7])
def test_noisy_images_in_shards(tmp_path, monkeypatch, of):
    """The noise of a batch doesn't depend on the shard that it is in."""
    monkeypatch.setattr(images, "NOISY_BATCH", 20)
    capture_noisy(tmp_path / "whole.h5")
    layout = layout_of(layers_of(dropping(), "none"), 180, noisy=True)
    gathered = in_shards(tmp_path / "a.h5", of, capture_noisy, layout)
    agree(gathered, tmp_path / "whole.h5")


@pytest.mark.parametrize("of", [2, 7])
def test_text_in_shards_has_its_tokens_once(tmp_path, monkeypatch, of):
    monkeypatch.setattr(text, "GRAIN", 5)  # twenty-six sequences
    cuts = sequences()
    capture_tokens(tmp_path / "whole.h5")
    wanted = [item for part in parts_of(gpt(), GPT_PARTS).values() for item in part]
    tokens = tokens_of(cuts, byte_tokenizer(CONTEXT))
    attributes = {"model": "small"}

    def run(path: Path, shard: Shard) -> None:
        capture_tokens(path, shard=shard)
        with open_hdf5(path) as file:
            assert "text" not in file

    layout = text.text_layout(wanted, cuts, tokens, dtype="float32", attributes=attributes)
    agree(in_shards(tmp_path / "a.h5", of, run, layout), tmp_path / "whole.h5")


def test_an_activation_that_is_not_finite_is_counted_through_all_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "GRAIN", 16)
    pixels = pictures().astype(np.float32)
    pixels[70] = np.nan
    with pytest.raises(UserError, match="first at stimulus 70;"):
        capture_images(tmp_path / "a.h5", shard=Shard(2, 2), images=pixels)


# Files --------------------------------------------------------------------------------------------


def layer(width: int) -> Wanted:
    described = {"name": "relu", "module": "relu", "call": 0, "type": "ReLU", "depth": 1}
    return Wanted(described | {"shape": (width,), "axes": "NC", "prefix": None}, "none")


def store_rows(path: Path, rows: np.ndarray, of: int, grain: int = 50) -> Path:
    """An activations file of rows (N, D), gathered from `of` shards."""
    layout = Layout([layer(rows.shape[1])], range(len(rows) + 1), "float32", {}, grain=grain)

    def load(chosen: slice) -> torch.Tensor:
        return torch.from_numpy(rows[chosen])

    def show(found: torch.Tensor, _: slice, sink) -> int:
        sink(layout.wanted[0], found)
        return 0

    def run(path: Path, shard: Shard) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, layout.part(shard), load, show, batch=17)

    return in_shards(path, of, run, layout)


@pytest.fixture
def gathered(tmp_path) -> tuple[Path, np.ndarray]:
    """A folder with a.h5 and its three shards, and its rows."""
    rows = np.random.default_rng(0).standard_normal((180, 6)).astype(np.float32)
    folder = tmp_path / "run"
    store_rows(folder / "a.h5", rows, 3)
    return folder, rows


def rows_in(path: Path) -> np.ndarray:
    with open_hdf5(path) as file:
        return file["none/relu"][:]


def test_a_gathered_file_holds_no_rows_and_names_its_shards_from_where_it_is(gathered):
    folder, rows = gathered
    with h5py.File(folder / "a.h5") as file:
        assert file["none/relu"].id.get_storage_size() == 0
        sources = [source.file_name for source in file["none/relu"].virtual_sources()]
    assert sorted(sources) == [f"a.shards/{number}.h5" for number in (1, 2, 3)]
    first = (folder / "a.h5").read_bytes()
    time.sleep(1.1)  # HDF5 would note times in seconds
    assert store_rows(folder / "a.h5", rows, 3).read_bytes() == first


def test_a_moved_folder_and_links_into_it(gathered, tmp_path, monkeypatch):
    folder, rows = gathered
    moved = folder.rename(tmp_path / "moved")
    np.testing.assert_array_equal(rows_in(moved / "a.h5"), rows)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(rows_in(Path("moved/a.h5")), rows)
    # To a file with its shards beside it; and, as from Snakemake's cache, each file by itself.
    (tmp_path / "link.h5").symlink_to("moved/a.h5")
    np.testing.assert_array_equal(rows_in(tmp_path / "link.h5"), rows)
    for index, file in enumerate([moved / "a.h5", *sorted(moved.rglob("*.h5"))[1:]]):
        (tmp_path / "cache").mkdir(exist_ok=True)
        file.rename(tmp_path / f"cache/{index}")
        file.symlink_to(tmp_path / f"cache/{index}")
    np.testing.assert_array_equal(rows_in(moved / "a.h5"), rows)


@pytest.mark.parametrize("harm", ["gone", "cut", "foreign"])
def test_a_gathered_file_without_one_of_its_shards_is_refused(gathered, harm):
    folder, _ = gathered
    whole, manifest, shard = (folder / name for name in ("a.h5", "a.json", "a.shards/2.h5"))
    write_manifest(manifest, {"sha256": hdf5_digest(whole)})
    if harm == "gone":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:3000] if harm == "cut" else b"foreign" * 100)
    with pytest.raises(UserError) as refusal, open_hdf5(whole):
        pass
    words = str(refusal.value)
    assert words.startswith(f"{whole}: damaged: ")
    assert words.endswith(f"delete {whole} and {manifest} and rerun")
    assert ("its shard a.shards/2.h5 is missing" in words) == (harm == "gone")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"attributes": {"torch": "2"}}, "torch is 1, expected 2"),
        ({"dtype": "float16"}, r"none/relu is \(\(50, 6\), 'float32'\), expected"),
        ({"wanted": [layer(7)]}, "none/relu is"),
        ({"offsets": range(232)}, r"none/relu is \(\(50, 6\), 'float32'\), expected \(\(100, 6\)"),
    ],
)
def test_a_shard_of_another_capture_is_not_gathered(tmp_path, changes, found):
    whole = {"wanted": [layer(6)], "offsets": range(181), "dtype": "float32"}
    made = Layout(**whole, attributes={"torch": "1"}, grain=50)
    now = Layout(**({"attributes": {"torch": "1"}} | whole | changes), grain=50)
    shards = [tmp_path / f"{number}.h5" for number in (1, 2, 3)]
    for number, shard in enumerate(shards, start=1):
        write_rows(
            shard,
            made.part(Shard(number, 3)),
            lambda rows: torch.zeros(rows.stop - rows.start, 6),
            lambda found, _, sink: sink(layer(6), found) or 0,
            batch=50,
        )
    gather(tmp_path / "a.h5", made, shards, None)
    (tmp_path / "a.h5").unlink()
    with pytest.raises(UserError, match=rf"\d\.h5: {found}.*; delete it and rerun"):
        gather(tmp_path / "a.h5", now, shards, None)
    assert not (tmp_path / "a.h5").exists()


# Spectra ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [2, 3, 7])
@pytest.mark.parametrize(
    ("shape", "solver"),
    [((900, 120), "exact"), ((120, 300), "exact"), ((700, 600), "window")],
    ids=["covariance", "gram", "window"],
)
def test_spectra_of_shards(tmp_path, monkeypatch, shape, solver, of):
    """As of one file; rows are sorted by class, so that no shard's mean is that of all."""
    for module in (eigenspectrum, moments):
        monkeypatch.setattr(module, "SLAB", 2**14)
    rows = planted(*shape, -1.0)
    rows += np.linspace(0, 0.3, len(rows), dtype=np.float32)[:, None]
    whole = eigenspectrum.spectrum(rows, solver=solver)
    with open_hdf5(store_rows(tmp_path / "a.h5", rows, of, grain=16)) as file:
        found = eigenspectrum.spectrum(file["none/relu"], solver=solver)
    largest = whole.eigenvalues[0]
    np.testing.assert_allclose(found.eigenvalues, whole.eigenvalues, rtol=0, atol=1e-6 * largest)
    assert found.total_variance == pytest.approx(whole.total_variance, rel=1e-6)
    laws = [power_law.fit_power_law(one.eigenvalues).alpha for one in (found, whole)]
    assert laws[0] == pytest.approx(laws[1], abs=1e-6)
    signs = np.sign((found.scores * whole.scores).sum(axis=0))
    np.testing.assert_allclose(
        found.scores[:, :5] * signs[:5], whole.scores[:, :5], atol=1e-4 * np.sqrt(largest)
    )


def test_a_steep_spectrum_of_shards_is_repeated_in_double_precision(tmp_path):
    rows = planted(400, 100, -4.0)
    with open_hdf5(store_rows(tmp_path / "a.h5", rows, 3)) as file:
        found = eigenspectrum.spectrum(file["none/relu"], scores=0).eigenvalues
    truth = np.linalg.eigvalsh(np.cov(rows.astype(np.float64).T))[::-1]
    assert truth[0] / truth[-1] > 1e7
    np.testing.assert_allclose(found, truth, rtol=1e-5)
