"""Features as thingsvision saves them, with the names of the images beside them.

Source: `save_features` and `extract_features` of thingsvision (Muttenthaler & Hebart 2021).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import numpy as np

from codespectra.errors import UserError
from codespectra.files.regular_files import read_regular, refusing, shown
from codespectra.sources.folders import files_inside
from codespectra.sources.formats.hdf5 import open_hdf5_source
from codespectra.sources.formats.matlab import open_mat
from codespectra.sources.formats.numpy_files import open_npy
from codespectra.sources.formats.tensor_file import open_tensor
from codespectra.sources.formats.text_table import open_text_table
from codespectra.sources.held import Held, Passed
from codespectra.sources.rows import WHOLE, Concatenated, FileRows, place
from codespectra.sources.source import Rows

NAMES = "file_names.txt"
MOST_NAMES = 1 << 28  # bytes
# features, features_01 of splits, features_0-100 and features_test_0-100 of a layer's own folder
FILES = re.compile(
    r"features(?P<set>_[A-Za-z]\w*?)??(?:_(?P<first>\d+)(?:-\d+)?)?\.(npy|txt|mat|pt|hdf5)"
)


@contextmanager
def open_thingsvision(path: Path) -> Iterator[Held]:
    """Features of a file, or of a folder with their splits one after another.

    Folders in a folder are layers, called by their names; other features are called `features`.
    Lines of file_names.txt are ids.

    Raises:
        UserError: a file is damaged, the folder leads elsewhere, or splits are of different kinds.
    """
    root = path if path.is_dir() else path.parent
    with ExitStack() as stack:
        held = Held()
        for layer, files in _layers(path).items():
            parts = [stack.enter_context(_opened(file)) for file in files]
            held.add(layer, _joined(path, layer, parts))
            held.remarks += [remark for part in parts for remark in part.remarks]
            held.ids = held.ids or _joined_ids(parts)
        if (root / NAMES).exists():
            with refusing(root / NAMES, "not readable", WHOLE):
                text = read_regular(root / NAMES, MOST_NAMES).decode(errors="surrogateescape")
            held.ids = [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]
        yield held


def _layers(path: Path) -> dict[str, list[Path]]:
    """Files of each layer, in the order of their rows."""
    if not path.is_dir():
        return {"features": [path]}
    with refusing(path, "not a folder of features", "give a folder of its own files"):
        names = [Path(name) for name in files_inside(path)]
    found = {name: match for name in names if (match := FILES.fullmatch(name.name))}
    layers: dict[str, list[Path]] = {}
    for name in sorted(found, key=lambda name: (name.parent, int(found[name]["first"] or 0))):
        inside = "" if name.parent == Path() else name.parent.as_posix()
        layer = f"{inside or 'features'}{found[name]['set'] or ''}"
        layers.setdefault(layer, []).append(path / name)
    for layer, files in layers.items():
        kinds = {file.suffix for file in files}
        whole = [file for file in files if found[file.relative_to(path)]["first"] is None]
        if len(kinds) > 1 or (whole and len(files) > 1):
            listed = ", ".join(shown(file.name) for file in files[:5])
            raise UserError(
                f"{shown(path)}: {layer} lies in {listed}; expected one file, or its splits in one "
                "format; give the file that is meant"
            )
    return layers


def _opened(file: Path) -> AbstractContextManager[Held]:
    if file.suffix not in READERS:
        raise UserError(
            f"{shown(file)}: expected features of thingsvision, which end in "
            f"{', '.join(READERS)}; say its format"
        )
    return READERS[file.suffix](file)


def _joined(path: Path, layer: str, parts: list[Held]) -> Rows | Passed:
    """Rows of a layer's files one after another."""
    if others := [next(iter(part.others.values())) for part in parts if not part.arrays]:
        return others[0]
    # A split of HDF5 is a dataset of one file.
    found = [rows for part in parts for rows in part.arrays.values()]
    kinds = {(rows.shape[1:], rows.dtype) for rows in found}
    if len(kinds) > 1:
        listed = ", ".join(f"{rows.shape} {rows.dtype}" for rows in found[:5])
        return Passed(f"in splits that don't fit ({listed})", "give whole splits of one layer")
    return found[0] if len(found) == 1 else Concatenated(found)


def _joined_ids(parts: list[Held]) -> list[str] | None:
    told = [part.ids for part in parts]
    return None if None in told else [name for ids in told for name in ids]


@contextmanager
def _open_mat(path: Path) -> Iterator[Held]:
    """Features in a .mat: one matrix, or where names were known a variable an image."""
    with open_mat(path) as held:
        if "features" in held.arrays:
            yield Held({"features": held.arrays["features"]}, remarks=held.remarks)
            return
        names, found = list(held.arrays), list(held.arrays.values())
        if not found or {rows.shape for rows in found} != {found[0].shape}:
            raise UserError(
                f"{shown(path)}: holds neither `features` nor a variable an image, all of one "
                "shape; give a file that thingsvision saved"
            )
        # Each is a row itself: SciPy saves (D,) as (1, D).
        shape = found[0].shape[1:] if found[0].shape[0] == 1 else found[0].shape

        def read(start: int, stop: int) -> np.ndarray:
            return np.stack([rows[0 : rows.shape[0]].reshape(shape) for rows in found[start:stop]])

        whole = (len(found), *shape)
        rows = FileRows(place(path, "features"), whole, found[0].dtype, read)
        yield Held({"features": rows}, ids=names, remarks=held.remarks)


READERS: dict[str, Callable[[Path], AbstractContextManager[Held]]] = {
    ".npy": open_npy,
    ".hdf5": open_hdf5_source,
    ".mat": _open_mat,
    ".txt": open_text_table,
    ".pt": open_tensor,
}
