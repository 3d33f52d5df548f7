"""A set that has grown at its end: only new images are shown, and the file is a fresh run's."""

from pathlib import Path

import numpy as np
import pytest
from captures import REDUCTIONS, Watched, capture_images, layers_of, pictures, read, reused

from codespectra.capture.appended import keep_rows, take_rows
from codespectra.capture.images import image_layout
from codespectra.capture.layout import Written
from codespectra.data.stimuli import Prefixes
from codespectra.files.second_names import kept_name

ATTRIBUTES = {"model": "small", "seed": 3}
LABELS = np.arange(900) % 5


def manifest_of(images: np.ndarray) -> dict:
    prefixes = Prefixes()
    for image, label in zip(images, LABELS, strict=False):
        prefixes.add(image, label)
    return {"prefixes_sha256": prefixes.digests}


def capture_again(
    path: Path,
    images: np.ndarray,
    follows_from: str = "this",
    *,
    batch: int = 16,
    dies_at: int | None = None,
) -> tuple[int, Written]:
    """Capture as a job does, after one that may have left its rows; returns images shown, file."""
    shown, watched = manifest_of(images), Watched(dies_at)
    wanted = layers_of(reused(), *REDUCTIONS)
    layout = image_layout(wanted, len(images), dtype="float32", attributes=ATTRIBUTES, noisy=False)
    take_rows(path, layout, shown, follows_from)
    labels = LABELS[: len(images)]
    written = capture_images(
        path, images=images, preprocess=watched, labels=labels, attributes=ATTRIBUTES, batch=batch
    )
    keep_rows(path, written, shown, follows_from)
    path.unlink()  # as Snakemake does before the next job
    return sum(map(len, watched.fed)), written


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "images.h5"


def test_only_new_images_are_shown_and_the_file_is_a_fresh_one(path, tmp_path):
    images = pictures(900)
    assert capture_again(path, images[:600])[0] == 600
    # From the last whole batch on, so that batches are those of a fresh run.
    shown, grown = capture_again(path, images)
    assert shown == 900 - 512
    fresh = capture_images(tmp_path / "f.h5", images=images, labels=LABELS, attributes=ATTRIBUTES)
    assert (grown.correct, grown.sha256, grown.rows) == (fresh.correct, fresh.sha256, fresh.rows)
    assert capture_again(path, images)[0] == 900 - 768


def test_what_isn_t_the_same_is_shown_again(path):
    images = pictures(600)
    capture_again(path, images)
    assert capture_again(path, images, follows_from="another network")[0] == 600
    assert capture_again(path, np.roll(images, 1, axis=0), "another network")[0] == 600
    assert capture_again(path, images[:500], "another network")[0] == 500
    # Batches that don't end where the digests do are of no use.
    capture_again(path, images, batch=100)
    assert capture_again(path, images)[0] == 600


def test_a_damaged_file_is_no_source(path, caplog):
    images = pictures(300)
    capture_again(path, images)
    kept = kept_name(path)
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert capture_again(path, images)[0] == 300
    assert "nothing is taken from the last run" in caplog.text


def test_a_killed_job_s_rows_go_first(path, noting_every_batch):
    images = pictures(600)
    capture_again(path, images[:300])
    with pytest.raises(KeyboardInterrupt):
        capture_again(path, images, dies_at=10)
    assert capture_again(path, images)[0] == 600 - 256 - 160


def test_captured_numbers_are_in_their_places(path, tmp_path):
    images = pictures(700)
    capture_again(path, images[:300])
    capture_again(path, images)
    fresh = tmp_path / "fresh.h5"
    capture_images(fresh, images=images, labels=LABELS[:700], attributes=ATTRIBUTES)
    grown, whole = read(kept_name(path)), read(fresh)
    assert all((grown[key] == whole[key]).all() for key in whole)
