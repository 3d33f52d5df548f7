"""Stimulus sets: what they hold, where it was cut, and files that are missing or damaged."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cifar_files import KINDS, NAMES, write_cifar
from PIL import Image
from project import read_config

from codespectra.data import photographs
from codespectra.data.stimuli import (
    StimulusSet,
    make_stimuli,
    moving_dot,
    write_stimuli,
)
from codespectra.data.stimulus_file import open_stimuli
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import read_manifest
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.stimuli import MovingDot, Photographs
from codespectra.study.sections.study import load_study

# Photographs -------------------------------------------------------------------------------------

SHAPE = (300, 420)
FLAT = 96


def coordinates(label: int) -> np.ndarray:
    """A photograph whose every pixel tells its row, its column and the photograph's label."""
    row, column = np.indices(SHAPE)
    over = 4 * label + 2 * (row // 256) + column // 256
    return np.stack([row % 256, column % 256, over], axis=2).astype(np.uint8)


def places(images: np.ndarray) -> list[tuple[int, int, int]]:
    """(label, row, column) of every pixel of images cut from `coordinates`."""
    red, green, blue = images.reshape(-1, 3).astype(int).T
    row, column = red + 256 * (blue // 2 % 2), green + 256 * (blue % 2)
    return list(zip(blue // 4, row, column, strict=True))


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Ten photographs that tell where they were cut."""
    pictures = {name: coordinates(label) for label, name in enumerate(photographs.CLASSES)}
    monkeypatch.setattr(photographs, "read_photographs", lambda: pictures)
    return pictures


@pytest.fixture
def partly_flat(coded: dict[str, np.ndarray]) -> None:
    """The same, their first columns flat grey."""
    for image in coded.values():
        image[:, :FLAT] = 128


def crops(split: str, per_class: int = 40, seed: int = 0, **options: Any) -> tuple:
    spec = {"side": 32, "crops": (32,), "block": 112, "test_share": 0.25} | options
    return photographs.random_crops(split=split, per_class=per_class, seed=seed, **spec)


def test_photographs_are_ten_balanced_classes() -> None:
    spec = Photographs(source="photographs", split="train", per_class=3)
    made = make_stimuli(stage_config(spec, name="train"))
    assert made.images.shape == (30, 32, 32, 3)
    assert made.images.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(made.labels), [3] * 10)
    assert len(made.classes) == 10
    assert set(made.provenance) == set(made.classes)
    assert len({image.tobytes() for image in made.images}) == 30


@pytest.mark.usefixtures("coded")
def test_train_and_test_crops_share_no_pixel() -> None:
    train, test = (set(places(crops(split)[0])) for split in ("train", "test"))
    assert train.isdisjoint(test)


@pytest.mark.usefixtures("coded")
@pytest.mark.parametrize("split", ["train", "test"])
def test_crops_are_labelled_by_their_photograph(split: str) -> None:
    images, labels = crops(split)
    for image, label in zip(images, labels, strict=True):
        found = places(image)
        assert {name for name, _, _ in found} == {label}
        assert len(set(found)) == 32 * 32
    np.testing.assert_array_equal(np.bincount(labels), [40] * 10)


@pytest.mark.usefixtures("coded")
def test_crops_follow_the_seed() -> None:
    first, again, other = crops("train"), crops("train"), crops("train", seed=1)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.usefixtures("coded")
def test_crops_of_all_sizes_are_resized() -> None:
    images, _ = crops("test", crops=(32, 64, 96), side=16)
    assert images.shape == (400, 16, 16, 3)


@pytest.mark.usefixtures("coded")
def test_crop_larger_than_a_block_is_refused() -> None:
    with pytest.raises(UserError, match=r"crops: 200 pixels don't fit blocks of .*; raise block"):
        crops("train", crops=(32, 200))


@pytest.mark.usefixtures("partly_flat")
def test_tiles_overlap_nowhere_and_flat_ones_are_left_out() -> None:
    images, labels = photographs.tiles(
        pitch=32, side=32, max_per_class=500, min_contrast=0.005, seed=0
    )
    rows, columns = SHAPE[0] // 32, (SHAPE[1] - FLAT) // 32
    np.testing.assert_array_equal(np.bincount(labels), [rows * columns] * 10)
    found = places(images)
    assert len(set(found)) == len(found)
    assert min(column for _, _, column in found) == FLAT


@pytest.mark.usefixtures("partly_flat")
def test_at_most_so_many_tiles_a_class_and_a_low_threshold_only_adds() -> None:
    options = {"pitch": 32, "side": 32, "max_per_class": 60, "seed": 0}
    every, labels = photographs.tiles(min_contrast=-1, **options)
    np.testing.assert_array_equal(np.bincount(labels), [60] * 10)
    filtered, _ = photographs.tiles(min_contrast=0.005, **options)
    assert {tile.tobytes() for tile in filtered} < {tile.tobytes() for tile in every}


@pytest.mark.usefixtures("coded")
def test_threshold_that_leaves_no_tile_is_refused() -> None:
    with pytest.raises(UserError, match=r"min_contrast: 0\.9 leaves no tile; lower it"):
        photographs.tiles(pitch=32, side=32, max_per_class=60, min_contrast=0.9, seed=0)


def test_embedded_overlapping_set_is_as_large_as_the_tiles() -> None:
    study = load_study(read_config())
    tiles = make_stimuli(stage_config(study.stimuli["tiles"], name="tiles"))
    assert tiles.count == len(tiles.images) == 10 * study.stimuli["overlapping"].per_class


# The moving dot ----------------------------------------------------------------------------------

FRAMES, SIDE, ORBIT, RADIUS = 40, 32, 0.3, 0.1


@pytest.fixture(scope="module")
def film() -> tuple[np.ndarray, np.ndarray]:
    """Mass (frames,) and centroid (frames, 2) in pixels of a white dot on black."""
    spec = MovingDot(source="moving_dot", frames=FRAMES, side=SIDE, orbit=ORBIT, radius=RADIUS)
    light = make_stimuli(stage_config(spec, name="dot")).images[..., 0] / 255
    mass = light.sum(axis=(1, 2))
    middle = np.arange(SIDE) + 0.5
    across, down = (light.sum(axis=1) @ middle, light.sum(axis=2) @ middle)
    return mass, np.stack([across, down], axis=1) / mass[:, None]


def test_dot_keeps_its_mass(film: tuple[np.ndarray, np.ndarray]) -> None:
    mass, _ = film
    # A disc whose edge falls linearly over one pixel: pi * (r ** 2 + 1 / 12).
    np.testing.assert_allclose(mass, np.pi * ((RADIUS * SIDE) ** 2 + 1 / 12), rtol=0.01)


def test_dot_follows_the_circle(film: tuple[np.ndarray, np.ndarray]) -> None:
    angle = 2 * np.pi * np.arange(FRAMES) / FRAMES
    circle = SIDE / 2 + ORBIT * SIDE * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(film[1], circle, atol=0.1)


def test_dot_has_its_colors_and_position() -> None:
    images, position = moving_dot(
        frames=8, side=16, orbit=0.25, radius=0.2, color=[1, 0.5, 0], background=[0, 0, 0.2]
    )
    np.testing.assert_array_equal(images[0, 8, 12], [255, 128, 0])
    np.testing.assert_array_equal(images[0, 0, 0], [0, 0, 51])
    np.testing.assert_allclose(position[[0, 2]], [[1, 0], [0, 1]], atol=1e-12)


# CIFAR -------------------------------------------------------------------------------------------


@pytest.fixture(params=["cifar10", "cifar100"])
def cifar(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Path, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """A small set in the published layout: source, root, and (planes, labels) of each split."""
    source = request.param
    content, attributes = write_cifar(source, tmp_path, each=6)
    for name, value in attributes.items():
        monkeypatch.setattr(KINDS[source], name, value)
    return source, tmp_path, content


def load_cifar(source: str, root: Path, split: str, limit: int | None = None) -> StimulusSet:
    spec = {"source": source, "root": str(root), "split": split, "limit": limit, "name": "mine"}
    return make_stimuli(spec)


def test_fixture_is_pickled_as_published(cifar: tuple) -> None:
    source, root, _ = cifar
    (path,) = root.glob("*/test*")
    with path.open("rb") as file:
        keys = set(pickle.load(file, encoding="bytes"))
    assert {b"data", b"labels" if source == "cifar10" else b"fine_labels"} <= keys


@pytest.mark.parametrize("split", ["train", "test"])
def test_cifar_keeps_pixels_and_order(cifar: tuple, split: str) -> None:
    source, root, content = cifar
    planes, labels = content[split]
    made = load_cifar(source, root, split)
    for image, plane in zip(made.images, planes, strict=True):
        for channel in range(3):
            expected = plane[1024 * channel : 1024 * (channel + 1)].reshape(32, 32)
            np.testing.assert_array_equal(image[:, :, channel], expected)
    np.testing.assert_array_equal(made.labels, labels)
    assert made.classes == tuple(NAMES[source])
    assert (made.count, made.side) == (len(planes), 32)


def test_cifar_limit_takes_the_first(cifar: tuple) -> None:
    source, root, _ = cifar
    whole, first = load_cifar(source, root, "train"), load_cifar(source, root, "train", limit=4)
    assert first.count == 4
    np.testing.assert_array_equal(first.images, whole.images[:4])
    np.testing.assert_array_equal(first.labels, whole.labels[:4])


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("pattern", ["*/test*", "*/*meta"])
def test_damaged_cifar_says_what_to_do(cifar: tuple, pattern: str, damage: Any) -> None:
    source, root, _ = cifar
    (path,) = root.glob(pattern)
    damage(path)
    with pytest.raises(UserError) as caught:
        load_cifar(source, root, "test")
    for told in (str(root), source, path.parent.name, "download: true"):
        assert told in str(caught.value)


# Image folders -----------------------------------------------------------------------------------

COLORS = {"green": (0, 255, 0), "blue": (0, 0, 255)}


def save(path: Path, color: tuple[int, int, int], size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


def load_folder(root: Path, side: int = 8, limit: int | None = None) -> StimulusSet:
    spec = {"source": "folder", "root": str(root), "side": side, "limit": limit, "name": "mine"}
    return make_stimuli(spec)


def test_subfolders_are_classes(tmp_path: Path) -> None:
    for name, color in COLORS.items():
        for index in range(2):
            save(tmp_path / name / f"{index}.png", color)
    made = load_folder(tmp_path)
    assert made.classes == ("blue", "green")
    np.testing.assert_array_equal(made.labels, [0, 0, 1, 1])
    for image, label in zip(made.images, made.labels, strict=True):
        assert (image == COLORS[made.classes[label]]).all()


def test_images_alone_have_no_labels(tmp_path: Path) -> None:
    save(tmp_path / "b.png", COLORS["blue"])
    save(tmp_path / "a.PNG", COLORS["green"])
    (tmp_path / "notes.txt").write_text("no image")
    made = load_folder(tmp_path)
    assert (made.count, made.labels, made.classes) == (2, None, ())
    assert [tuple(image[0, 0]) for image in made.images] == [COLORS["green"], COLORS["blue"]]
    assert load_folder(tmp_path, limit=1).count == 1


@pytest.mark.parametrize("turned", [False, True], ids=["wide", "high"])
def test_centre_of_a_non_square_image_is_kept(turned: bool, tmp_path: Path) -> None:
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = COLORS["green"]
    Image.fromarray(image.transpose(1, 0, 2) if turned else image).save(tmp_path / "stripes.png")
    (found,) = load_folder(tmp_path, side=20).images
    assert found.shape == (20, 20, 3)
    assert (found[2:-2, 2:-2] == COLORS["green"]).all()


def truncated(path: Path) -> None:
    save(path, COLORS["blue"], (64, 64))
    path.write_bytes(path.read_bytes()[:60])


BROKEN = {
    "text.png": lambda path: path.write_text("no image"),
    "truncated.png": truncated,
    "header.ppm": lambda path: path.write_bytes(b"P6\n8 8\n25T\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_image_is_named(name: str, tmp_path: Path) -> None:
    images, path = tmp_path / "images", tmp_path / "out" / "mine.h5"
    save(images / "good.png", COLORS["green"])
    BROKEN[name](images / name)
    with pytest.raises(UserError, match=rf"{name}: not a readable image .*; mend or remove it"):
        write_stimuli(path, "mine", load_folder(images))
    assert list(path.parent.iterdir()) == []


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no images \(\.jpg"):
        load_folder(tmp_path)


def test_class_without_images_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "green" / "0.png", COLORS["green"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no readable image folder .*empty"):
        load_folder(tmp_path)


# Files -------------------------------------------------------------------------------------------


def write_two(folder: Path) -> Path:
    for name, color in COLORS.items():
        save(folder / "images" / name / "0.png", color)
    path = folder / "two.h5"
    write_stimuli(path, "two", load_folder(folder / "images"))
    return path


def test_manifest_tells_what_the_file_holds(tmp_path: Path) -> None:
    path = write_two(tmp_path)
    assert read_manifest(path.with_suffix(".json")) == {
        "file": "two.h5",
        "name": "two",
        "sha256": hdf5_digest(path),
        "count": 2,
        "side": 8,
        "classes": ["blue", "green"],
        "prefixes_sha256": [],
        "labelled": True,
        "per_class": {"blue": 1, "green": 1},
        "sources": {},
        "remarks": {},
    }
    with open_stimuli(path) as file:
        assert (file["images"].shape, file["images"].dtype) == ((2, 8, 8, 3), np.uint8)
        np.testing.assert_array_equal(file["images"][0, 0, 0], COLORS["blue"])
        np.testing.assert_array_equal(file["labels"], [0, 1])
        assert "position" not in file


def test_unlabelled_set_has_a_position_instead(tmp_path: Path) -> None:
    made = make_stimuli(stage_config(MovingDot(source="moving_dot", frames=8), name="dot"))
    write_stimuli(tmp_path / "dot.h5", "dot", made)
    manifest = read_manifest(tmp_path / "dot.json")
    assert (manifest["labelled"], manifest["per_class"], manifest["count"]) == (False, {}, 8)
    with open_stimuli(tmp_path / "dot.h5") as file:
        np.testing.assert_array_equal(file["position"], made.position)
        assert "labels" not in file


def test_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    paths = [write_two(tmp_path / run) for run in ("first", "second")]
    for suffix in (".h5", ".json"):
        first, second = (path.with_suffix(suffix).read_bytes() for path in paths)
        assert first == second
