"""Images of others: what a folder or its table holds, and the value of a pixel of any kind."""

import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from codespectra.data.image_layout import DEEPER, OTHERS
from codespectra.data.open_image import FORMATS, open_image
from codespectra.data.pixel_values import FIRST, SCALED, TRANSPARENT, TURNED
from codespectra.data.stimuli import StimulusSet, make_stimuli, write_stimuli
from codespectra.data.stimulus_file import open_stimuli
from codespectra.errors import UserError
from codespectra.files.manifests import read_manifest

# Pixels ------------------------------------------------------------------------------------------

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
STEEP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257 + 100 * (np.eye(16) > 0)
STEEP = np.minimum(STEEP, 65535).astype(np.uint16)
COLOR = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=2)
ALPHA = np.full((16, 16), 255, np.uint8)
ALPHA[:8] = 64
OVER_WHITE = np.rint((COLOR * (ALPHA / 255)[..., None]) + 255 - ALPHA[..., None])
GREY_OVER_WHITE = np.rint(RAMP * (ALPHA / 255) + 255 - ALPHA)


def saved(pixels: np.ndarray, name: str, mode: str | None = None, **options: Any) -> Any:
    def build(folder: Path) -> Path:
        image = Image.fromarray(pixels)
        (image if mode is None else image.convert(mode)).save(folder / name, **options)
        return folder / name

    return build


def of_mode(mode: str, pixels: np.ndarray, name: str, **options: Any) -> Any:
    """An image whose bytes are these, whatever mode they stand for."""

    def build(folder: Path) -> Path:
        image = Image.frombytes(mode, pixels.shape[1::-1], pixels.tobytes())
        image.save(folder / name, **options)
        return folder / name

    return build


def palette(folder: Path, **options: Any) -> Path:
    image = Image.frombytes("P", (16, 16), RAMP.tobytes())
    image.putpalette(
        np.stack([np.arange(256), 255 - np.arange(256), [7] * 256], 1).ravel().tolist()
    )
    image.save(folder / "a.png", **options)
    return folder / "a.png"


def turned(orientation: int) -> Any:
    def build(folder: Path) -> Path:
        exif = Image.Exif()
        exif[0x112] = orientation
        Image.fromarray(COLOR[:, :10]).save(folder / "a.png", exif=exif)
        return folder / "a.png"

    return build


def frames(name: str) -> Any:
    def build(folder: Path) -> Path:
        first, second = Image.fromarray(RAMP), Image.fromarray(255 - RAMP)
        first.save(folder / name, save_all=True, append_images=[second], **LOSSLESS.get(name, {}))
        return folder / name

    return build


LOSSLESS = {"a.webp": {"lossless": True}}
KEYED = np.where(RAMP == 9, 255, RAMP)
PALETTE = np.stack([RAMP, 255 - RAMP, np.full_like(RAMP, 7)], axis=2)
INKS = np.stack([RAMP, RAMP.T, RAMP, np.full_like(RAMP, 51)], axis=2)
PAPER = (255 - INKS[..., :3].astype(float)) * (255 - 51) / 255
TWELVE = (RAMP.astype(np.uint16) * 16 + 3).clip(0, 4095)
FLOATS = RAMP.astype(np.float32)
HALVES = np.rint(STEEP / 257)

# Kind -> (how it is made, the right value, what is said).
PIXELS = {
    "grey": (saved(RAMP, "a.png"), RAMP, ()),
    "colour": (saved(COLOR, "a.png"), COLOR, ()),
    "1 bit": (saved(RAMP > 99, "a.png"), np.where(RAMP > 99, 255, 0), ()),
    "1 bit TIFF": (saved(RAMP > 99, "a.tif"), np.where(RAMP > 99, 255, 0), ()),
    "PBM": (saved(RAMP > 99, "a.pbm"), np.where(RAMP > 99, 255, 0), ()),
    "16 bits PNG": (saved(STEEP, "a.png"), HALVES, (SCALED,)),
    "16 bits TIFF": (saved(STEEP, "a.tif"), HALVES, (SCALED,)),
    "16 bits TIFF, big-endian": (of_mode("I;16B", STEEP.astype(">u2"), "a.tif"), HALVES, (SCALED,)),
    "16 bits PGM": (of_mode("I", STEEP.astype(np.int32), "a.pgm"), HALVES, (SCALED,)),
    "16 bits, white is zero": (
        saved(STEEP, "a.tif", tiffinfo={262: 0}),
        np.rint(255 - STEEP / 257),
        (SCALED,),
    ),
    "16 bits, a key": (
        saved(STEEP, "a.png", transparency=int(STEEP[0, 9])),
        np.where(np.arange(256).reshape(16, 16) == 9, 255, HALVES),
        (SCALED, TRANSPARENT),
    ),
    "floats to 1": (saved(FLOATS / 255, "a.tif"), RAMP, (SCALED,)),
    "floats to 255": (saved(FLOATS, "a.tif"), RAMP, (SCALED,)),
    "floats between": (saved(FLOATS * 0.9 + 1.27, "a.tif"), np.rint(RAMP * 0.9 + 1.27), (SCALED,)),
    "palette": (palette, PALETTE, ()),
    "palette, a key": (
        lambda folder: palette(folder, transparency=9),
        np.where((RAMP == 9)[..., None], 255, PALETTE),
        (TRANSPARENT,),
    ),
    "RGBA": (saved(np.dstack([COLOR, ALPHA]), "a.png"), OVER_WHITE, (TRANSPARENT,)),
    "RGBA TIFF": (saved(np.dstack([COLOR, ALPHA]), "a.tif"), OVER_WHITE, (TRANSPARENT,)),
    "RGBA WebP": (
        saved(np.dstack([COLOR, ALPHA]), "a.webp", lossless=True, exact=True),
        OVER_WHITE,
        (TRANSPARENT,),
    ),
    "RGBA, opaque": (saved(np.dstack([COLOR, ALPHA | 255]), "a.png"), COLOR, ()),
    "LA": (of_mode("LA", np.dstack([RAMP, ALPHA]), "a.png"), GREY_OVER_WHITE, (TRANSPARENT,)),
    "grey, a key": (saved(RAMP, "a.png", transparency=9), KEYED, (TRANSPARENT,)),
    "CMYK": (of_mode("CMYK", INKS, "a.tif"), PAPER, ()),
    "CMYK JPEG": (of_mode("CMYK", np.full_like(INKS, 51), "a.jpg", quality=100), 163.2, ()),
    "YCbCr TIFF": (
        of_mode("YCbCr", np.full((16, 16, 3), 128, np.uint8), "a.tif"),
        128,
        (),
    ),
    "BMP": (saved(COLOR, "a.bmp"), COLOR, ()),
    "PPM": (saved(COLOR, "a.ppm"), COLOR, ()),
    "GIF": (saved(RAMP, "a.gif"), RAMP, ()),
    "WebP": (saved(COLOR, "a.webp", lossless=True), COLOR, ()),
    "JPEG": (saved(np.full_like(COLOR, 77), "a.jpeg"), 77, ()),
    "PFM": (saved(FLOATS / 255, "a.pfm"), RAMP, (SCALED,)),
    **{f"frames of {name}": (frames(name), RAMP, (FIRST,)) for name in ("a.gif", "a.png", "a.tif")},
    "frames of a.webp": (frames("a.webp"), RAMP, (FIRST,)),
    **{
        f"orientation {orientation}": (turned(orientation), upright, (TURNED,))
        for orientation, upright in {
            2: COLOR[:, 9::-1],
            3: COLOR[::-1, 9::-1],
            4: COLOR[::-1, :10],
            5: COLOR[:, :10].swapaxes(0, 1),
            6: np.rot90(COLOR[:, :10], -1),
            7: np.rot90(COLOR[:, :10], 2).swapaxes(0, 1),
            8: np.rot90(COLOR[:, :10]),
        }.items()
    },
    "orientation 6 of a TIFF": (
        saved(COLOR[:, :10], "a.tif", tiffinfo={274: 6}),
        np.rot90(COLOR[:, :10], -1),
        (TURNED,),
    ),
}


@pytest.mark.parametrize("kind", PIXELS)
def test_pixels_have_the_value_that_numpy_gives(kind: str, tmp_path: Path) -> None:
    build, right, said = PIXELS[kind]
    remarks: Counter[str] = Counter()
    found = np.asarray(open_image(build(tmp_path), remedy="mend it", remarks=remarks))
    right = np.asarray(right, float)
    if right.ndim == 2:
        right = right[..., None]
    assert found.dtype == np.uint8
    # Pillow's own arithmetic of inks, blends and JPEG cuts where NumPy rounds.
    exact = not (TRANSPARENT in said or "CMYK" in kind or "JPEG" in kind)
    np.testing.assert_allclose(found, np.broadcast_to(right, found.shape), atol=0 if exact else 1)
    assert found.shape[:2] == (right.shape[:2] if right.ndim == 3 else found.shape[:2])
    assert set(remarks) == set(said)


def png(path: Path, depth: int, kind: int, row: bytes, width: int, key: bytes) -> Path:
    """A PNG of one row with a transparent value, which Pillow itself can't write."""
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    with path.open("ab") as file:
        for name, content in (
            (b"IHDR", header),
            (b"tRNS", key),
            (b"IDAT", zlib.compress(b"\0" + row)),
            (b"IEND", b""),
        ):
            file.write(struct.pack(">I", len(content)) + name + content)
            file.write(struct.pack(">I", zlib.crc32(name + content)))
    return path


@pytest.mark.parametrize(
    ("depth", "kind", "row", "width", "key", "right"),
    [
        (1, 0, b"\x40", 2, b"\0\1", [0, 255]),
        (2, 0, b"\x1b", 4, b"\0\1", [0, 255, 170, 255]),
        (4, 0, b"\x1f", 2, b"\0\1", [255, 255]),
        (16, 2, b"\x80\0" * 3 + b"\x40\0" * 3, 2, b"\x80\0" * 3, [255, 64]),
    ],
)
def test_a_transparent_value_has_the_scale_of_the_pixels(
    depth: int, kind: int, row: bytes, width: int, key: bytes, right: list[int], tmp_path: Path
) -> None:
    image = open_image(png(tmp_path / "a.png", depth, kind, row, width, key), remedy="mend it")
    assert np.asarray(image)[0, :, 0].tolist() == right


REFUSED = {
    "floats above 255": (saved(FLOATS + 1, "a.tif"), "from 1 to 256, expected 0 to 1 or 0 to 255"),
    "negative floats": (saved(FLOATS - 1, "a.tif"), "from -1 to 254"),
    "NaN": (saved(np.where(RAMP == 9, np.nan, FLOATS).astype(np.float32), "a.tif"), "NaN"),
    "32 bits": (saved(RAMP.astype(np.int32), "a.tif"), "no known white"),
    "LAB": (of_mode("LAB", COLOR, "a.tif"), "mode LAB"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_pixels_without_a_known_white_are_refused(kind: str, tmp_path: Path) -> None:
    build, words = REFUSED[kind]
    with pytest.raises(UserError, match=rf"a\.tif: .*{words}.*; mend it") as caught:
        open_image(build(tmp_path), remedy="mend it")
    assert "\n" not in str(caught.value)


def test_every_format_has_a_case(tmp_path: Path) -> None:
    found = set()
    for build, _, _ in PIXELS.values():
        with Image.open(build(tmp_path)) as image:
            found.add(image.format)
    assert found == set(FORMATS)


# Folders -----------------------------------------------------------------------------------------


def tree(root: Path, names: str) -> Path:
    """A folder of files; images are grey, as dark as their place in the list says."""
    for number, name in enumerate(names.split()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".txt", ".csv"):
            path.write_text("none")
        else:
            Image.new("L", (4, 4), number).save(path)
    return root


def read(root: Path, **options: Any) -> StimulusSet:
    spec = {"source": "folder", "root": str(root), "side": 4, "limit": None, "name": "mine"}
    return make_stimuli(spec | options)


@pytest.mark.parametrize(
    ("names", "shades", "classes", "remarks"),
    [
        ("b.png a.png", [1, 0], (), []),
        ("a.png .b.png .thumbnails/c.png", [0], (), []),
        ("a/x.png b/y.png .ipynb_checkpoints/z.png a/.z.png", [0, 1], ("a", "b"), []),
        ("a.png b.gif c.jfif", [0, 1, 2], (), []),
        ("a.png notes.txt docs/more.txt", [0], (), [2]),
        ("a/x.png b/y.png b/deep/z.png b/deep/deeper/z.png notes.txt", [0, 1], ("a", "b"), [2, 1]),
    ],
)
def test_what_a_folder_holds(
    names: str, shades: list[int], classes: tuple, remarks: list[int], tmp_path: Path
) -> None:
    made = read(tree(tmp_path / "root", names))
    write_stimuli(tmp_path / "mine.h5", "mine", made)
    with open_stimuli(tmp_path / "mine.h5") as file:
        assert file["images"][:, 0, 0, 0].tolist() == shades
    manifest = read_manifest(tmp_path / "mine.json")
    assert (made.classes, list(manifest["remarks"].values())) == (classes, remarks)


def test_the_log_and_the_manifest_count_what_is_passed_over_and_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tree(tmp_path / "root", "a/x.png a/deep/y.png notes.txt")
    for name in ("b/1.tif", "b/2.tif"):
        (root / name).parent.mkdir(exist_ok=True)
        Image.fromarray(STEEP).save(root / name)
    with caplog.at_level("INFO", "codespectra"):
        write_stimuli(tmp_path / "mine.h5", "mine", read(root))
    said = {OTHERS: 1, DEEPER: 1, SCALED: 2}
    assert read_manifest(tmp_path / "mine.json")["remarks"] == said
    assert {f"{count} {words}" for words, count in said.items()} <= set(caplog.messages)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("1.png 2.png extra/x.png", r"2 in it, 1 in subfolders"),
        ("1.png extra/deep/x.png extra/deep/y.png", r"1 in it, 2 in subfolders"),
        ("a/x.png b/deep/x.png", r"class b has no images of its own"),
        ("a/notes.txt", r"holds no images"),
    ],
)
def test_a_folder_of_another_layout_is_refused(names: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        read(tree(tmp_path, names))


# Tables ------------------------------------------------------------------------------------------

NAMES = "x.png deep/er/y.png z.gif"
ROWS = ("007,z.gif,dog,0", "NA,deep/er/y.png,cat,1", "ß,x.png,dog,0", "007,z.gif,dog,1")
TABLE = "\n".join(["stimulus_id,path,label,repeat", *ROWS, ""])


def listed(root: Path, table: str) -> Path:
    tree(root, NAMES)
    (root / "stimuli.csv").write_text(table, "utf-8")
    return root


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_a_table_says_what_is_read(start: str, tmp_path: Path) -> None:
    root = listed(tmp_path / "root", start + TABLE)
    write_stimuli(tmp_path / "mine.h5", "mine", read(root, table="stimuli.csv"))
    with open_stimuli(tmp_path / "mine.h5") as file:
        assert file["images"][:, 0, 0, 0].tolist() == [2, 1, 0]
        assert [name.decode() for name in file["stimulus_id"]] == ["007", "NA", "ß"]
        assert file["labels"][:].tolist() == [1, 0, 1]
    manifest = read_manifest(tmp_path / "mine.json")
    assert manifest["presentations"] == [[0, 0], [1, 1], [2, 0], [0, 1]]
    assert manifest["stimulus_ids"] == ["007", "NA", "ß"]
    assert manifest["per_class"] == {"cat": 1, "dog": 2}


def test_a_table_needs_neither_labels_nor_repeats(tmp_path: Path) -> None:
    root = listed(tmp_path, "path,more,stimulus_id\nx.png,,a\nx.png,,b\n")
    made = read(root, table=str(root / "stimuli.csv"), limit=1)
    assert (made.ids, made.labels, made.presentations, made.count) == (["a"], None, [], 1)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("id,file\na,x.png\n", r"lacks the columns stimulus_id, path"),
        ("stimulus_id,path\n", r"has no rows"),
        ("", r"lacks the columns"),
        (
            "stimulus_id,path\na,x.png\na,z.gif\nb,x.png\nb,x.png\n",
            r"id a: stands twice \(2 of 4 rows are",
        ),
        ("stimulus_id,path,repeat\na,x.png,1\na,x.png,01\n", r"a: stands twice with repeat 1"),
        (
            "stimulus_id,path,repeat\na,x.png,0\na,z.gif,1\n",
            r"a: has the path x\.png in one row and z\.gif in another",
        ),
        ("stimulus_id,path\n,x.png\n", r"stimulus_id empty: expected 1 to 200 printable"),
        ("stimulus_id,path\na,no.png\nb,nor.png\n", r"path no\.png: no such image \(2 of 2"),
        ("stimulus_id,path\na\n", r"path empty"),
        ("stimulus_id,path\na,../x.png\n", r"path \.\./x\.png: expected a path inside"),
        ("stimulus_id,path\na,/etc/passwd\n", r"path /etc/passwd: expected a path inside"),
        ("stimulus_id,path\na,deep\n", r"path deep: no such image"),
        ("stimulus_id,path,label\na,x.png,\n", r"label empty: expected"),
        ("stimulus_id,path,repeat\na,x.png,one\n", r"repeat one: expected a whole number"),
        ('stimulus_id,path\na,"x.png\n', r"not a readable table"),
        ("stimulus_id,path\na,x.png,more\n", r"row 1 has 3 fields, its header 2"),
        ("stimulus_id,path,path\na,x.png,x.png\n", r"has the column path twice"),
    ],
)
def test_a_table_with_mistakes_is_refused(table: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"stimuli\.csv: .*{words}") as caught:
        read(listed(tmp_path, table), table="stimuli.csv")
    assert "\n" not in str(caught.value)


def test_a_table_outside_is_refused(tmp_path: Path) -> None:
    root = listed(tmp_path / "root", TABLE)
    (tmp_path / "stimuli.csv").write_text(TABLE)
    for table in ("../stimuli.csv", str(tmp_path / "stimuli.csv")):
        with pytest.raises(UserError, match="a table outside"):
            read(root, table=table)
    with pytest.raises(UserError, match=r"none\.csv: not a readable table \(No such file"):
        read(root, table="none.csv")
