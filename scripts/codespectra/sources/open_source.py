"""Opens activations in whatever format they are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from codespectra.sources.formats.anndata import open_anndata
from codespectra.sources.formats.arrow_datasets import open_sae_lens
from codespectra.sources.formats.hdf5 import open_hdf5_source
from codespectra.sources.formats.matlab import open_mat
from codespectra.sources.formats.netcdf import open_netcdf
from codespectra.sources.formats.numpy_files import open_npy, open_npz
from codespectra.sources.formats.nwb import open_nwb
from codespectra.sources.formats.safetensors_files import open_safetensors
from codespectra.sources.formats.stringer2019 import open_stringer2019
from codespectra.sources.formats.thingsvision import open_thingsvision
from codespectra.sources.formats.zarr_arrays import open_zarr
from codespectra.sources.held import Held
from codespectra.sources.selection import select_layers
from codespectra.sources.source import Source
from codespectra.sources.told_format import told_format

# Each loads its libraries when it is called.
READERS: dict[str, Callable[[Path], AbstractContextManager[Held]]] = {
    "npy": open_npy,
    "npz": open_npz,
    "hdf5": open_hdf5_source,
    "zarr": open_zarr,
    "safetensors": open_safetensors,
    "mat": open_mat,
    "anndata": open_anndata,
    "netcdf": open_netcdf,
    "thingsvision": open_thingsvision,
    "sae_lens": open_sae_lens,
    "nwb": open_nwb,
    "stringer2019": open_stringer2019,
}


@contextmanager
def open_source(
    path: Path,
    *,
    format: str | None = None,
    layers: Mapping[str, str] | Sequence[str] | None = None,
) -> Iterator[Source]:
    """Activations in a file or folder, which stays open meanwhile; nothing in it is run.

    Args:
        path: of the file or folder.
        format: one of `FORMATS`, where several fit; content and name tell which do.
        layers: a key in the file by layer name; or keys or globs of them; None for every array of
            numbers with at least two dimensions. An .npy's key is its name without the suffix.

    Raises:
        UserError: the file is damaged or in no known format; a layer isn't there, holds no such
            numbers, or has a name that can't be used; layers differ in their number of rows.
    """
    path = Path(path)
    format = told_format(path, format)
    with READERS[format](path) as held:
        yield select_layers(path, format, held, layers)
