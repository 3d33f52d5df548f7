"""Image files: the one place where an image is decoded."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from codespectra.data.pixel_values import as_rgb
from codespectra.errors import UserError
from codespectra.files.regular_files import open_regular, refusing, shown

# By their content, not their names. Others of Pillow's decoders start programs (EPS: Ghostscript).
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MOST_PIXELS = 100_000_000
# Each scan of a progressive JPEG goes over the whole image again. Encoders make about ten.
SCAN, MOST_SCANS = b"\xff\xda", 100


def open_image(
    path: str | Path,
    *,
    max_pixels: int = MOST_PIXELS,
    resized: int = 1,
    remedy: str,
    remarks: Counter[str] | None = None,
) -> Image.Image:
    """An image file in RGB, upright; what it says of its size is checked before it is decoded.

    Args:
        path: of the file.
        max_pixels: that it may have; decoding takes up to 16 bytes of memory a pixel.
        resized: pixels that its shorter side is going to have; as many pixels may it have then.
        remedy: what to do about an image that can't be read.
        remarks: counts of what was done to images, see `pixel_values`, which this one adds to.

    Raises:
        UserError: it is no image, damaged, too large, or its numbers have no known white.
    """
    remarks = Counter() if remarks is None else remarks
    with (
        refusing(path, "not a readable image", remedy),
        _at_most(path, max_pixels, remedy),
        open_regular(path) as file,
        _decoder(file) as image,
    ):
        if resized**2 * max(image.size) // min(image.size) > max_pixels:
            size = f"{image.width} x {image.height} pixels, resized to {resized} on the short side"
            raise _too_large(path, size, max_pixels, remedy)
        if image.format in ("JPEG", "MPO"):  # MPO: several JPEGs in a file, as telephones write.
            _check_scans(file)
        return as_rgb(image, remarks)


def _decoder(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        found = (
            f"its content is none of {', '.join(FORMATS)}, or pixels of a kind Pillow can't read"
        )
        raise ValueError(found) from error


def _check_scans(file: BinaryIO) -> None:
    """Refuse a JPEG that takes unbounded time; the file is then where it was.

    Raises:
        ValueError: it has more scans than `MOST_SCANS`.
    """
    place, found, last = file.tell(), 0, b""
    file.seek(0)
    while block := file.read(1 << 20):
        found += (last + block).count(SCAN)
        last = block[-1:]
    file.seek(place)
    if found > MOST_SCANS:
        raise ValueError(f"{found} scans, and {MOST_SCANS} are the most")


@contextmanager
def _at_most(path: str | Path, max_pixels: int, remedy: str) -> Iterator[None]:
    """While open, Pillow decodes no image, and no image inside an image, of more pixels."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        size = str(error).partition("(")[2].partition(")")[0]
        raise _too_large(path, size, max_pixels, remedy) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _too_large(path: str | Path, size: str, max_pixels: int, remedy: str) -> UserError:
    return UserError(f"{shown(path)}: {size}, more than max_pixels ({max_pixels}) allows; {remedy}")
