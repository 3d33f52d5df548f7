"""The ten colour photographs that ship inside scikit-image and scikit-learn, cut into images.

Read by path: nothing is fetched. Class = photograph. Training and test crops come from disjoint
blocks; the analysis tiles overlap nowhere and leave flat ones out, since overlap and flat tiles
both fake interpretability.
"""

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from codespectra.data.open_image import open_image
from codespectra.errors import UserError
from codespectra.files.manifests import file_digest

FILES = {
    "astronaut": "skimage/data/astronaut.png",
    "chelsea": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "hubble": "skimage/data/hubble_deep_field.jpg",
    "ihc": "skimage/data/ihc.png",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "retina": "skimage/data/retina.jpg",
    "rocket": "skimage/data/rocket.jpg",
    "china": "sklearn/datasets/images/china.jpg",
    "flower": "sklearn/datasets/images/flower.jpg",
}
CLASSES = tuple(FILES)


def photograph_paths() -> dict[str, Path]:
    """Paths of the ten files inside the installed packages.

    Raises:
        UserError: a package or a file in it is missing.
    """
    paths = {}
    for name, relative in FILES.items():
        package, _, inside = relative.partition("/")
        spec = find_spec(package)
        if spec is None or spec.origin is None or not (Path(spec.origin).parent / inside).is_file():
            raise UserError(f"photograph {relative} is missing; reinstall {package} from the lock")
        paths[name] = Path(spec.origin).parent / inside
    return paths


def read_photographs() -> dict[str, np.ndarray]:
    """Photographs as uint8 (H, W, 3); the retina cut to its inscribed square."""
    images = {
        name: np.asarray(open_image(path, remedy="reinstall its package from the lock"))
        for name, path in photograph_paths().items()
    }
    images["retina"] = _inscribed_square(images["retina"])
    return images


def source_digests() -> dict[str, str]:
    """Sha256 of each photograph's file."""
    return {name: file_digest(path) for name, path in photograph_paths().items()}


def _inscribed_square(image: np.ndarray) -> np.ndarray:
    height, width, _ = image.shape
    half = int(min(height, width) / 2 / np.sqrt(2))
    row, column = height // 2, width // 2
    return image[row - half : row + half, column - half : column + half]


def random_crops(
    *,
    split: str,
    per_class: int,
    side: int,
    crops: tuple[int, ...],
    block: int,
    test_share: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Crops of mixed size, resized to `side` and randomly flipped, the same number a class.

    Each photograph is divided into blocks of about `block` pixels; `test_share` of them, drawn by
    `seed`, are for the test split, and a crop lies inside one block. The split `all` is the whole
    photograph as one block.

    Returns:
        uint8 images (10 * per_class, side, side, 3) and labels (10 * per_class,).

    Raises:
        UserError: a crop is larger than the smallest block.
    """
    images = []
    for label, image in enumerate(read_photographs().values()):
        blocks = [(0, 0, *image.shape[:2])] if split == "all" else _blocks(image, block)
        smallest = min(min(height, width) for _, _, height, width in blocks)
        if max(crops) > smallest:
            raise UserError(
                f"crops: {max(crops)} pixels don't fit blocks of {smallest}; raise block"
            )
        order = np.random.default_rng([seed, label]).permutation(len(blocks))
        cut = max(1, round(test_share * len(blocks)))
        chosen = order[cut:] if split == "train" else order[:cut]
        rng = np.random.default_rng([seed, label, split == "test"])
        kept = [blocks[index] for index in chosen]
        images += [_crop(image, kept, crops, side, rng) for _ in range(per_class)]
    return np.stack(images), np.repeat(np.arange(len(CLASSES)), per_class)


def _blocks(image: np.ndarray, size: int) -> list[tuple[int, int, int, int]]:
    height, width, _ = image.shape
    rows = np.linspace(0, height, max(1, height // size) + 1).astype(int)
    columns = np.linspace(0, width, max(1, width // size) + 1).astype(int)
    return [
        (int(top), int(left), int(bottom - top), int(right - left))
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def _crop(
    image: np.ndarray,
    blocks: list[tuple[int, int, int, int]],
    crops: tuple[int, ...],
    side: int,
    rng: np.random.Generator,
) -> np.ndarray:
    top, left, height, width = blocks[rng.integers(len(blocks))]
    size = int(rng.choice(crops))
    row = top + int(rng.integers(height - size + 1))
    column = left + int(rng.integers(width - size + 1))
    patch = _resized(image[row : row + size, column : column + size], side)
    return patch[:, ::-1] if rng.random() < 0.5 else patch


def tiles(
    *, pitch: int, side: int, max_per_class: int, min_contrast: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Non-overlapping tiles of `pitch` pixels resized to `side`, at most `max_per_class` a class.

    Tiles whose grey level (in [0, 1]) has a standard deviation up to `min_contrast` are left out,
    after the draw of `max_per_class`, so that a low threshold only adds tiles.

    Returns:
        uint8 images (N, side, side, 3) and labels (N,).
    """
    images, labels = [], []
    for label, image in enumerate(read_photographs().values()):
        lattice = [
            image[row : row + pitch, column : column + pitch]
            for row in range(0, image.shape[0] - pitch + 1, pitch)
            for column in range(0, image.shape[1] - pitch + 1, pitch)
        ]
        order = np.random.default_rng([seed, label]).permutation(len(lattice))[:max_per_class]
        kept = [lattice[i] for i in np.sort(order) if _contrast(lattice[i]) > min_contrast]
        images += [_resized(tile, side) for tile in kept]
        labels += [label] * len(kept)
    if not images:
        raise UserError(f"min_contrast: {min_contrast:g} leaves no tile; lower it")
    return np.stack(images), np.array(labels)


def _contrast(tile: np.ndarray) -> float:
    return float((tile @ np.array([0.299, 0.587, 0.114]) / 255).std())


def _resized(patch: np.ndarray, side: int) -> np.ndarray:
    if patch.shape[:2] == (side, side):
        return patch
    return np.asarray(Image.fromarray(patch).resize((side, side), Image.Resampling.LANCZOS))
