"""What a folder of images holds: images alone, or one level of subfolders, a class each.

Names that begin with a dot are never seen.
"""

from collections import Counter
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.folder_walk import files_below
from codespectra.files.regular_files import reason, shown

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".tif", ".tiff", ".bmp"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)

# Remarks; of each, files are counted.
OTHERS = "passed over: no images by their names"
DEEPER = "passed over: images in deeper folders"


def class_folders(root: str | Path) -> tuple[str, ...]:
    """Names of a folder's classes, sorted; none where it holds images itself.

    Raises:
        OSError: it can't be read.
    """
    seen = [path for path in Path(root).iterdir() if not path.name.startswith(".")]
    if any(_is_image(path) and path.is_file() for path in seen):
        return ()
    return tuple(sorted(path.name for path in seen if path.is_dir()))


def find_images(root: str, remarks: Counter[str]) -> tuple[list[Path], tuple[str, ...]]:
    """The images of a folder, sorted, and the names of its classes, if it has any.

    Args:
        root: the folder.
        remarks: counts of files that are passed over, which these are added to.

    Raises:
        UserError: there are no images, images both in the folder and in subfolders, or a subfolder
            without any.
    """
    folder = Path(root)
    try:
        found, classes = files_below(folder), class_folders(folder)
    except OSError as error:
        raise UserError(
            f"{root}: no readable image folder ({reason(error)}); correct its root"
        ) from error
    images = [path for path in found if _is_image(path)]
    if not images:
        raise UserError(f"{root}: holds no images ({', '.join(SUFFIXES)})")
    beside = [path for path in images if path.parent == folder]
    if 0 < len(beside) < len(images):
        raise _mixture(folder, beside[0], len(beside), [p for p in images if p.parent != folder])
    if not beside:
        images = [path for path in images if path.parent.parent == folder]
        _check_classes(folder, classes, {path.parent.name for path in images})
    deeper = sum(map(_is_image, found)) - len(images)
    remarks.update({OTHERS: len(found) - len(images) - deeper, DEEPER: deeper})
    return images, classes


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _mixture(folder: Path, first: Path, count: int, below: list[Path]) -> UserError:
    name = below[0].relative_to(folder).parts[0]
    return UserError(
        f"{folder}: holds images ({shown(first.name)}) beside the folder {shown(name)} with images "
        f"({count} in it, {len(below)} in subfolders); put them into one subfolder a class or all "
        "into one folder, or list those that are meant in a table"
    )


def _check_classes(folder: Path, classes: tuple[str, ...], filled: set[str]) -> None:
    for name in classes:
        if name not in filled:
            raise UserError(
                f"{folder}: no readable image folder (class {shown(name)} has no images of its "
                "own); move that folder elsewhere, or list the images that are meant in a table"
            )
        if not name.isprintable():
            raise UserError(f"{folder}: the name {shown(name)} isn't printable; rename that folder")
