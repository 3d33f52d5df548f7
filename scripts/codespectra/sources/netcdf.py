"""NetCDF, and in it Brain-Score's assemblies: presentations by neuroids."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from codespectra.files.regular_files import check_regular, refusing
from codespectra.sources.hdf5 import contents, dataset_rows, open_users_hdf5
from codespectra.sources.held import Held, Passed, too_large, why_not
from codespectra.sources.labels import as_repeats, as_text
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Rows

STIMULI = ("presentation", "stimulus", "stimulus_path", "stimulus_id", "image_id")
UNITS = "neuroid"
LAYER, IDS, REPEATS = "layer", ("stimulus_id", "image_id"), ("repetition", "repeat")


@contextmanager
def open_netcdf(path: Path) -> Iterator[Held]:
    """Variables of a NetCDF file; of an assembly its layers, by their names.

    An assembly has dimensions presentation (or stimulus) and neuroid, in any order, and may have
    more. Coordinates of presentation are read: stimulus_id, and repetition or repeat. The
    coordinate layer of neuroid tells which columns are a layer's. Scales and fill values are
    applied, as xarray does. A NetCDF-3 file is mapped into memory.

    Raises:
        UserError: the file is damaged, or leads elsewhere.
    """
    import xarray

    with refusing(path, "damaged, or no NetCDF", WHOLE):
        check_regular(path)
        is_hdf5 = h5py.is_hdf5(path)
        refused = _refused(path) if is_hdf5 else {}
        data = xarray.open_dataset(
            path,
            engine="h5netcdf" if is_hdf5 else "scipy",
            decode_times=False,
            drop_variables=list(refused),
        )
    with data:
        with refusing(path, "damaged, or no NetCDF", WHOLE):
            held = Held(others=refused)
            for name, variable in data.data_vars.items():
                _add(path, str(name), variable, path.stat().st_size, held)
            _add_coordinates(data, held)
        yield held


def _refused(path: Path) -> dict[str, Passed]:
    """Variables of a NetCDF-4 file that lead elsewhere, or can't be as large as they say."""
    held = Held()
    with open_users_hdf5(path) as file:
        for key, found in contents(file).items():
            if isinstance(found, Passed):
                # Unlike a variable, a group's link would be followed.
                raise ValueError(f"{key} is {found.found}")
            if found.dtype.kind in "biuf" and found.ndim > 1:
                held.add(key, dataset_rows(path, key, found, held))
            elif found.external or found.is_virtual:
                held.add(key, Passed("stored elsewhere", "copy its numbers into the file"))
    return held.others


def _add(path: Path, name: str, variable: "xarray.DataArray", size: int, held: Held) -> None:  # noqa: F821
    dims = list(variable.dims)
    refused = why_not(variable.shape, variable.dtype) or too_large(
        variable.shape, variable.dtype, size
    )
    if refused:
        held.add(name, refused)
        return
    first = next((dim for dim in STIMULI if dim in dims), dims[0])
    second = [UNITS] if UNITS in dims and first != UNITS else []
    variable = variable.transpose(first, *second, ...)
    if list(variable.dims) != dims:
        held.remarks.append(f"{name}: dimensions {', '.join(map(str, dims))}, read {first} first")
    if second and LAYER in variable.coords and variable[LAYER].dims == (UNITS,):
        for layer, columns in _columns(variable[LAYER].values).items():
            held.add(layer, _rows(place(path, layer), variable, columns))
    else:
        held.add(name, _rows(place(path, name), variable, None))


def _columns(layers: np.ndarray) -> dict[str, slice | np.ndarray]:
    """Columns of each layer, in order; a slice where they stand together."""
    names = np.asarray([str(layer) for layer in layers])
    found: dict[str, slice | np.ndarray] = {}
    for name in dict.fromkeys(names.tolist()):
        places = np.flatnonzero(names == name)
        together = len(places) == places[-1] - places[0] + 1
        found[name] = slice(int(places[0]), int(places[-1]) + 1) if together else places
    return found


def _rows(
    where: str,
    variable: "xarray.DataArray",  # noqa: F821
    columns: slice | np.ndarray | None,
) -> Rows:
    shape, chosen = variable.shape, (slice(None),)
    if columns is not None:
        chosen = (columns,)
        shape = (shape[0], len(np.arange(shape[1])[columns]), *shape[2:])
    # Without its coordinates, which would be taken along for each slab.
    bare = variable.variable

    def read(start: int, stop: int) -> np.ndarray:
        return bare[(slice(start, stop), *chosen)].values

    return FileRows(where, shape, variable.dtype, read)


def _add_coordinates(data: "xarray.Dataset", held: Held) -> None:  # noqa: F821
    for dim in STIMULI:
        along = [name for name in data.coords if data[name].dims == (dim,)]
        for name in (*IDS, dim):
            if name in along and held.ids is None:
                held.ids = as_text(data[name].values)
        for name in REPEATS:
            if name in along and held.repeats is None:
                held.repeats = as_repeats(as_text(data[name].values), name, held.remarks)
