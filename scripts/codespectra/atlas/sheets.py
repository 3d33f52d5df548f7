"""Images of a stimulus set as sheets of WebP: each image once, and found by its number."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from codespectra.files.whole_files import atomic

# Pixels of an image's side at most, as large as a page shows it.
SIDE = 96
# Images of a sheet's row, and its rows. A browser decodes whole sheets: of 64, a page whose images
# lie on 60 sheets takes 140 MB for a moment, of 256 four times that.
ACROSS = 4
# Of WebP: 50,000 photographs of 96 pixels take 61 MB.
QUALITY = 72


def sheet_side(side: int) -> int:
    """Pixels of an image's side in a sheet, from those in its set: never enlarged."""
    return min(side, SIDE)


def sheet_count(count: int) -> int:
    """How many sheets hold that many images."""
    return -(-count // ACROSS**2)


def make_sheet(images: np.ndarray) -> Image.Image:
    """One sheet of up to ACROSS² images, uint8 (N, H, H, 3), row by row."""
    side = sheet_side(images.shape[1])
    rows = -(-len(images) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * side, rows * side))
    for place, image in enumerate(images):
        tile = Image.fromarray(image)
        if tile.width != side:
            tile = tile.resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(tile, (place % ACROSS * side, place // ACROSS * side))
    return sheet


def write_sheets(folder: Path, sheets: Iterable[np.ndarray]) -> None:
    """Write 0.webp, 1.webp, ... of the images of each sheet."""
    for number, images in enumerate(sheets):
        with atomic(folder / f"{number}.webp") as temporary:
            make_sheet(images).save(temporary, "WEBP", quality=QUALITY)
