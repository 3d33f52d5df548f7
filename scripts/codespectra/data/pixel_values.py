"""What the pixels of an image file mean: 8-bit RGB of whatever kind the file holds.

Grey above 8 bits is scaled by its own white (x / 257 of 16 bits), never clipped; floating-point
numbers are taken as 0 to 1, or as 0 to 255 where one is above 1. What is transparent is laid over
white. Colour of 16 bits a channel comes from Pillow as its upper 8. Colour profiles aren't applied.
"""

from collections import Counter

import numpy as np
from PIL import ExifTags, Image, ImageOps

PLAIN = {"1", "L", "P", "RGB", "RGBA", "LA", "PA", "RGBa", "RGBX", "CMYK", "YCbCr"}
BITS, WHITE_IS_ZERO = 258, 262  # Tags of TIFF; the second one's value 0 means what its name says.

# Remarks; of each, images are counted.
FIRST = "of several frames or pages: the first one is taken"
TURNED = "turned upright as their EXIF orientation says"
TRANSPARENT = "transparent: laid over white"
SCALED = "of more than 8 bits: scaled to 8"


def as_rgb(image: Image.Image, remarks: Counter[str]) -> Image.Image:
    """A file's first image in RGB, upright.

    Args:
        image: as it was opened; it is used up.
        remarks: counts of what was done to images, which this one adds to.

    Raises:
        ValueError: its numbers have no known white.
    """
    _scale_key(image)
    if getattr(image, "is_animated", False):
        remarks[FIRST] += 1
    if image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
        remarks[TURNED] += 1
    # A TIFF is turned while it is loaded.
    ImageOps.exif_transpose(image, in_place=True)
    key = image.info.get("transparency") if image.mode.startswith("I") else None
    hidden = None if key is None else Image.fromarray(np.asarray(image) != key)
    if image.mode not in PLAIN:
        image = _eight_bits(image)
        remarks[SCALED] += 1
    if hidden is None and image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        hidden = image.getchannel("A")
    if hidden is None or hidden.getextrema()[0] == 255:
        return image.convert("RGB")
    remarks[TRANSPARENT] += 1
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=hidden)
    return white


def _scale_key(image: Image.Image) -> None:
    """Give the transparent value of a PNG, which Pillow leaves as it is, the scale of its pixels.

    Before anything loads the image, which is when its kind is forgotten.
    """
    key = image.info.get("transparency")
    raw = image.tile[0].args if image.format == "PNG" and image.tile else None
    if raw in ("L;2", "L;4") and key is not None:
        image.info["transparency"] = key * (85 if raw == "L;2" else 17)
    elif raw == "RGB;16B" and key is not None:
        image.info["transparency"] = tuple(value >> 8 for value in key)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, 12 bits or floating-point numbers as `L`."""
    tags = getattr(image, "tag_v2", {})
    if image.mode == "F":
        grey = _of_floats(image)
    elif image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        white = 2 ** tags.get(BITS, (16,))[0] - 1
        table = np.rint(np.minimum(np.arange(2**16) / white, 1) * 255).astype(np.uint8)
        # 16 bits may lie in 32.
        grey = image.convert("I").point(table.tolist(), "L")
    else:
        kind = "32-bit or signed whole numbers" if image.mode == "I" else f"mode {image.mode}"
        raise ValueError(
            f"its pixels are {kind}, which have no known white; save it as 8 or 16 bits"
        )
    return ImageOps.invert(grey) if tags.get(WHITE_IS_ZERO) == 0 else grey


def _of_floats(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError("it has pixels that are NaN or infinite; save it as 8 or 16 bits")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise ValueError(f"its numbers go from {low:g} to {high:g}, expected 0 to 1 or 0 to 255")
    scale = 255 if high <= 1 else 1
    # Half is added, since what follows the point is cut.
    return image.point(lambda value: value * scale + 0.5).convert("L")
