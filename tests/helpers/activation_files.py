"""The same activations in every format, written by the libraries that own them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

Layers = Mapping[str, np.ndarray]


def npy(path: Path, layers: Layers) -> Path:
    (array,) = layers.values()
    np.save(path / "acts.npy", array)
    return path / "acts.npy"


def npy_fortran(path: Path, layers: Layers) -> Path:
    (array,) = layers.values()
    np.save(path / "acts.npy", np.asfortranarray(array.astype(">f4")))
    return path / "acts.npy"


def npz(path: Path, layers: Layers) -> Path:
    np.savez(path / "acts.npz", **layers)
    return path / "acts.npz"


def npz_packed(path: Path, layers: Layers) -> Path:
    fortran = {name: np.asfortranarray(array) for name, array in layers.items()}
    np.savez_compressed(path / "acts.npz", **fortran)
    return path / "acts.npz"


def hdf5(path: Path, layers: Layers) -> Path:
    with h5py.File(path / "acts.h5", "w") as file:
        for name, array in layers.items():
            file.create_dataset(name, data=array, compression="gzip", chunks=(4, *array.shape[1:]))
    return path / "acts.h5"


def hdf5_virtual(path: Path, layers: Layers) -> Path:
    for name, array in layers.items():
        with h5py.File(path / f"{name}.h5", "w") as part:
            part["rows"] = array
        layout = h5py.VirtualLayout(array.shape, array.dtype)
        layout[:] = h5py.VirtualSource(f"{name}.h5", "rows", array.shape)
        with h5py.File(path / "all.h5", "a") as file:
            file.create_virtual_dataset(name, layout)
    return path / "all.h5"


def zarr(path: Path, layers: Layers, version: int = 3) -> Path:
    import zarr

    group = zarr.open_group(path / "acts.zarr", mode="w", zarr_format=version)
    for name, array in layers.items():
        group.create_array(name, data=array, chunks=(4, *array.shape[1:]))
    return path / "acts.zarr"


def zarr_2(path: Path, layers: Layers) -> Path:
    return zarr(path, layers, 2)


def safetensors(path: Path, layers: Layers) -> Path:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(a) for name, a in layers.items()}, path / "a.safetensors")
    return path / "a.safetensors"


def mat(path: Path, layers: Layers, packed: bool = False) -> Path:
    from scipy.io import savemat

    savemat(path / "acts.mat", dict(layers), do_compression=packed)
    return path / "acts.mat"


def mat_packed(path: Path, layers: Layers) -> Path:
    return mat(path, layers, packed=True)


def mat_73(path: Path, layers: Layers) -> Path:
    """As MATLAB lays it out: 512 bytes before the HDF5, axes in reverse order."""
    with h5py.File(path / "acts.mat", "w", userblock_size=512) as file:
        for name, array in layers.items():
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("single")
    with (path / "acts.mat").open("r+b") as file:
        words = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024"
        file.write(words.ljust(116) + bytes(8) + b"\x00\x02IM")
    return path / "acts.mat"


def anndata(path: Path, layers: Layers, sparse: bool = False) -> Path:
    """As AnnData 0.11 writes it: X is the first layer, which has another name there."""
    from scipy.sparse import csr_matrix

    with h5py.File(path / "acts.h5ad", "w") as file:
        _encoded(file, "anndata", "0.1.0")
        _encoded(file.create_group("layers"), "dict", "0.1.0")
        for number, (name, array) in enumerate(layers.items()):
            key = "X" if number == 0 else f"layers/{name}"
            if sparse:
                group = _encoded(file.create_group(key), "csr_matrix", "0.1.0")
                group.attrs["shape"] = array.shape
                for part in ("data", "indices", "indptr"):
                    group[part] = getattr(csr_matrix(array), part)
            else:
                _encoded(file.create_dataset(key, data=array), "array", "0.2.0")
        obs = _encoded(file.create_group("obs"), "dataframe", "0.2.0")
        obs.attrs["_index"] = "_index"
        count = len(next(iter(layers.values())))
        obs["_index"] = np.array(ids(count), dtype=h5py.string_dtype())
        obs["repeat"] = np.array(repeats(count))
        _encoded(file.create_group("var"), "dataframe", "0.2.0")
    return path / "acts.h5ad"


def anndata_sparse(path: Path, layers: Layers) -> Path:
    return anndata(path, layers, sparse=True)


def _encoded(item: h5py.HLObject, kind: str, version: str) -> h5py.HLObject:
    item.attrs["encoding-type"], item.attrs["encoding-version"] = kind, version
    return item


def netcdf(path: Path, layers: Layers, engine: str = "h5netcdf", turned: bool = False) -> Path:
    """An assembly of Brain-Score's: layers side by side, told by a coordinate of neuroid."""
    import xarray

    count = len(next(iter(layers.values())))
    names = [name for name, array in layers.items() for _ in range(array.shape[1])]
    assembly = xarray.DataArray(
        np.concatenate(list(layers.values()), axis=1),
        dims=("presentation", "neuroid"),
        coords={
            "stimulus_id": ("presentation", ids(count)),
            "repetition": ("presentation", repeats(count)),
            "layer": ("neuroid", names),
            "neuroid_num": ("neuroid", np.arange(len(names))),
        },
        name="data",
    )
    assembly = assembly.T if turned else assembly
    assembly.to_netcdf(path / "assembly.nc", engine=engine)
    return path / "assembly.nc"


def netcdf_3(path: Path, layers: Layers) -> Path:
    return netcdf(path, layers, "scipy", turned=True)


def thingsvision(path: Path, layers: Layers, format: str = "npy", splits: int = 0) -> Path:
    """As its `save_features` writes one layer, or several below a folder each."""
    import torch
    from scipy.io import savemat

    for name, array in layers.items():
        folder = path if len(layers) == 1 else path / name
        folder.mkdir(exist_ok=True)
        parts = np.array_split(array, splits) if splits else [array]
        for number, part in enumerate(parts, 1):
            file = folder / (f"features_{number:02d}.{format}" if splits else f"features.{format}")
            if format == "npy":
                np.save(file, part)
            elif format == "txt":
                np.savetxt(file, part)
            elif format == "pt":
                torch.save(torch.from_numpy(part), file)
            elif format == "mat":
                savemat(file, {f"image{row:03d}": numbers for row, numbers in enumerate(part)})
            else:
                with h5py.File(folder / "features.hdf5", "a") as whole:
                    whole[file.stem] = part
    count = len(next(iter(layers.values())))
    (path / "file_names.txt").write_text("".join(f"{name}\n" for name in ids(count)))
    return path


def sae_lens(path: Path, layers: Layers) -> Path:
    """As its CacheActivationsRunner leaves it: rows are contexts of tokens."""
    from datasets import Array2D, Dataset, Features, Sequence, Value, disable_progress_bar

    disable_progress_bar()
    (_, context, _), count = next(iter(layers.values())).shape, len(next(iter(layers.values())))
    tokens = Sequence(Value("int32"), length=context)
    features = Features(
        {name: Array2D(array.shape[1:], "float32") for name, array in layers.items()}
        | {"token_ids": tokens}
    )
    columns = {**layers, "token_ids": np.zeros((count, context), np.int32)}
    Dataset.from_dict(columns, features=features).save_to_disk(path / "cache", num_shards=2)
    return path / "cache"


def nwb(path: Path, layers: Layers) -> Path:
    from datetime import UTC, datetime

    from pynwb import NWBHDF5IO, NWBFile, TimeSeries

    file = NWBFile("a session", "an identifier", datetime(2024, 1, 1, tzinfo=UTC))
    for name, array in layers.items():
        file.add_acquisition(TimeSeries(name=name, data=array, unit="a.u.", rate=1.0))
    with NWBHDF5IO(path / "session.nwb", "w") as output:
        output.write(file)
    return path / "session.nwb"


def ids(count: int) -> list[str]:
    return [f"image{number // 2:03d}.jpg" for number in range(count)]


def repeats(count: int) -> list[int]:
    return [number % 2 for number in range(count)]


# The keys of the layers in each, where they aren't the layers' names.
ONE: dict[str, tuple[Callable[..., Path], str | None]] = {
    "npy": (npy, "acts"),
    "npy by columns": (npy_fortran, "acts"),
    "thingsvision npy": (thingsvision, "features"),
    **{
        f"thingsvision {kind}": (lambda p, a, kind=kind: thingsvision(p, a, kind), "features")
        for kind in ("txt", "pt", "mat", "hdf5")
    },
    **{
        f"thingsvision splits {kind}": (
            lambda p, a, kind=kind: thingsvision(p, a, kind, splits=3),
            "features",
        )
        for kind in ("npy", "txt", "pt", "hdf5")
    },
}
SEVERAL: dict[str, Callable[[Path, Layers], Path]] = {
    "npz": npz,
    "npz packed": npz_packed,
    "hdf5": hdf5,
    "hdf5 virtual": hdf5_virtual,
    "zarr": zarr,
    "zarr 2": zarr_2,
    "safetensors": safetensors,
    "mat": mat,
    "mat packed": mat_packed,
    "mat 7.3": mat_73,
    "anndata": anndata,
    "anndata sparse": anndata_sparse,
    "netcdf": netcdf,
    "netcdf 3": netcdf_3,
    "nwb": nwb,
    "thingsvision folders": thingsvision,
}
