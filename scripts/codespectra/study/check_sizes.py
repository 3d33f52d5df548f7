"""What a study would need that no machine has, and images that a set can't be cut into."""

from collections.abc import Iterable

from codespectra.study.implied import most_stimuli
from codespectra.study.problems import Problems
from codespectra.study.sections.stimuli import MovingDot, Photographs, PhotographTiles
from codespectra.study.sections.study import Study

# Bytes of images, which are made in memory, and of activations, which are on a disk.
MOST_IN_MEMORY, MOST_ON_DISK = 10**12, 10**14
# Height and width of the photographs; `data.photographs` has them, with the libraries to read them.
PHOTOGRAPH_SIZES = {
    "astronaut": (512, 512),
    "chelsea": (300, 451),
    "coffee": (400, 600),
    "hubble": (872, 1000),
    "ihc": (512, 512),
    "motorcycle": (500, 741),
    "retina": (996, 996),
    "rocket": (427, 640),
    "china": (427, 640),
    "flower": (427, 640),
}


def check_images(study: Study, problems: Problems) -> None:
    """Add the sets that are too large, or whose squares no photograph has."""
    for name, spec in study.stimuli.items():
        key = f"stimuli.{name}"
        if isinstance(spec, Photographs | PhotographTiles | MovingDot):
            size = most_stimuli(spec) * spec.side**2 * 3
            if size > MOST_IN_MEMORY:
                counted = {Photographs: "per_class", PhotographTiles: "max_per_class"}
                problems.add(
                    f"{key}.{counted.get(type(spec), 'frames')}: images of {spec.side} pixels that "
                    f"take {_shown(size)}; lower it, or side"
                )
        if isinstance(spec, Photographs):
            _check_blocks(key, spec, problems)
        largest = max(map(min, PHOTOGRAPH_SIZES.values()))
        if isinstance(spec, PhotographTiles) and spec.pitch > largest:
            problems.add(f"{key}.pitch: {spec.pitch} pixels, and no photograph has over {largest}")


def _check_blocks(key: str, spec: Photographs, problems: Problems) -> None:
    """As `data.photographs.random_crops` cuts photographs into blocks and shares them out."""
    for name, size in PHOTOGRAPH_SIZES.items():
        block = max(size) if spec.split == "all" else spec.block
        rows, columns = (max(1, length // block) for length in size)
        smallest, count = min(size[0] // rows, size[1] // columns), rows * columns
        if max(spec.crops) > smallest:
            problems.add(
                f"{key}.crops: {max(spec.crops)} pixels don't fit the blocks of {name}, which are "
                f"{smallest}; lower it" + (", or raise block" if spec.split != "all" else "")
            )
            return
        if spec.split == "train" and max(1, round(spec.test_share * count)) == count:
            problems.add(
                f"{key}.test_share: {spec.test_share:g} leaves none of the {count} blocks of "
                f"{name} for training; lower it, or block"
            )
            return


def check_activations(
    key: str, what: str, rows: int, widths: Iterable[int], problems: Problems
) -> None:
    """Add activations of `rows` by the sum of `widths` float32 numbers that no disk holds."""
    size = 4 * rows * sum(widths)
    if size > MOST_ON_DISK:
        problems.add(f"{key}: activations of {what} take {_shown(size)}; take fewer layers or less")


def check_embedding(
    key: str, what: str, rows: int, widths: Iterable[int], problems: Problems
) -> None:
    """Add embeddings, which scores read, of `rows` by the sum of `widths` float32 numbers."""
    each = 4 * sum(widths)
    if rows * each > MOST_IN_MEMORY:
        problems.add(
            f"{key}: embeddings of {what} take {_shown(rows * each)}, {each / 1e6:.3g} MB an "
            "image; take fewer layers, later ones, or fewer images"
        )


def _shown(size: int) -> str:
    return f"{size / 1e12:.3g} TB"
