"""NetCDF, and in it Brain-Score's assemblies: presentations by neuroids."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from codespectra.files.regular_files import check_regular, refusing
from codespectra.sources.formats.hdf5 import contents, dataset_rows, open_users_hdf5
from codespectra.sources.held import Held, Passed, too_large, why_not
from codespectra.sources.labels import as_repeats, as_text
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Rows

if TYPE_CHECKING:
    import xarray

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
        held = _checked(path) if is_hdf5 else Held()
        data = xarray.open_dataset(
            path,
            engine="h5netcdf" if is_hdf5 else "scipy",
            decode_times=False,
            drop_variables=list(held.others),
        )
    with data:
        with refusing(path, "damaged, or no NetCDF", WHOLE):
            several = sum(UNITS in variable.dims for variable in data.data_vars.values()) > 1
            for name, variable in data.data_vars.items():
                _add(path, str(name), variable, several, held)
            _add_coordinates(data, held)
        yield held


def _checked(path: Path) -> Held:
    """What of a NetCDF-4 file isn't read: what leads elsewhere, or can't be as large as it says."""
    found = Held()
    with open_users_hdf5(path) as file:
        for key, item in contents(file).items():
            if isinstance(item, Passed):
                # Unlike a variable, a group's link would be followed.
                raise ValueError(f"{key} is {item.found}")
            if "/" in key:
                found.add(key, Passed("in a group", "save it outside groups"))
            elif item.dtype.kind in "biuf" and item.ndim > 1:
                found.add(key, dataset_rows(path, key, item, found))
            elif item.external or item.is_virtual:
                found.add(key, Passed("stored elsewhere", "copy its numbers into the file"))
    return Held(others=found.others, remarks=found.remarks)


def _add(
    path: Path,
    name: str,
    variable: "xarray.DataArray",
    several: bool,
    held: Held,
) -> None:
    """Enter a variable, or its layers; with its name before theirs where several have some."""
    shape, dtype = variable.shape, variable.dtype
    refused = Passed("text") if dtype.hasobject else why_not(shape, dtype)
    if refused := refused or too_large(shape, dtype, path.stat().st_size):
        held.add(name, refused)
        return
    dims = list(variable.dims)
    others = [dim for dim in dims if dim != UNITS] if UNITS in dims else dims
    first = next((dim for dim in STIMULI if dim in dims), others[0])
    variable = variable.transpose(first, *({UNITS} & set(dims)), ...)
    if list(variable.dims) != dims:
        held.remarks.append(f"{name}: dimensions {', '.join(map(str, dims))}, read {first} first")
    if LAYER in variable.coords and variable[LAYER].dims == (UNITS,):
        for layer, columns in _columns(variable[LAYER].values).items():
            key = f"{name}/{layer}" if several else layer
            held.add(key, _rows(place(path, key), variable, columns))
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
    variable: "xarray.DataArray",
    columns: slice | np.ndarray | None,
) -> Rows:
    shape = variable.shape
    chosen: tuple[slice | np.ndarray] = (slice(None),)
    if columns is not None:
        chosen = (columns,)
        shape = (shape[0], len(np.arange(shape[1])[columns]), *shape[2:])
    # Without its coordinates, which would be taken along for each slab.
    bare = variable.variable

    def read(start: int, stop: int) -> np.ndarray:
        return bare[(slice(start, stop), *chosen)].values

    return FileRows(where, shape, variable.dtype, read)


def _add_coordinates(data: "xarray.Dataset", held: Held) -> None:
    for dim in STIMULI:
        along = [name for name in data.coords if data[name].dims == (dim,)]
        for name in (*IDS, dim):
            if name in along and held.ids is None:
                held.ids = as_text(data[name].values)
        for name in REPEATS:
            if name in along and held.repeats is None:
                held.repeats = as_repeats(as_text(data[name].values), name, held.remarks)
