"""NWB: recordings of neurons, read as the HDF5 that they are; a time series a layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codespectra.files.regular_files import refusing
from codespectra.sources.formats.hdf5 import contents, dataset_rows, open_users_hdf5
from codespectra.sources.held import Held, Passed
from codespectra.sources.rows import WHOLE

DATA, TYPE = "/data", "neurodata_type"  # of a time series


@contextmanager
def open_nwb(path: Path) -> Iterator[Held]:
    """Time series of an NWB file by their paths in it, such as `acquisition/NAME`.

    Rows are their samples in time, as stored: `conversion` isn't applied.

    Raises:
        UserError: the file is damaged.
    """
    with open_users_hdf5(path) as file:
        with refusing(path, "damaged, or no NWB", WHOLE):
            held, converted = Held(), []
            for key, found in contents(file).items():
                name = key.removesuffix(DATA)
                if isinstance(found, Passed):
                    held.add(key, found)
                elif key == name or TYPE not in found.parent.attrs:
                    held.add(key, Passed("no data of a time series", "name a time series"))
                else:
                    held.add(name, dataset_rows(path, name, found, held))
                    converted += [name] if found.attrs.get("conversion", 1) != 1 else []
            held.remarks += [f"{name}: as stored, without its conversion" for name in converted]
        yield held
