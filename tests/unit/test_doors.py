"""Foreign files come in by one door a kind: no other code opens them, and no door lets harm in.

A case is a door, what builds a hostile file, and the words of the one line that refuses it.
"""

import ast
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from project import ROOT
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.datasets import ImageFolder

from codespectra.data.documents import read_documents, text_folder, write_text
from codespectra.data.image_files import read_folder
from codespectra.errors import UserError
from codespectra.experiments.people import read_images, read_responses
from codespectra.experiments.trial_images import IMAGES as PEOPLES
from codespectra.experiments.trial_images import find_images
from codespectra.explanations.neuron_records import NeuronRecord, read_lines
from codespectra.files.array_files import read_array
from codespectra.files.csv_tables import read_csv
from codespectra.files.date_stamp import date_stamp
from codespectra.files.folder_walk import files_below
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.json_files import read_json
from codespectra.files.manifests import write_manifest
from codespectra.models.byte_gpt2 import byte_gpt2, byte_tokenizer
from codespectra.models.gguf_header import read_header
from codespectra.models.language_models import (
    check_vocabulary,
    load_network,
    load_tokenizer,
    save_language_model,
)
from codespectra.models.model_folders import check_folder, read_config
from codespectra.models.state_dicts import load_weights, read_state_dict
from codespectra.models.tensor_files import read_tensors
from codespectra.sources.open_source import open_source

# The doors ---------------------------------------------------------------------------------------

NEVER = """
    json.load yaml.unsafe_load yaml.full_load pickle.load pickle.loads marshal.load marshal.loads
    numpy.loadtxt numpy.genfromtxt numpy.fromfile numpy.memmap pandas.read_table pandas.read_pickle
    pandas.read_json pandas.read_hdf pandas.read_parquet torch.jit.load torch.hub.load
    load_state_dict_from_url joblib.load tarfile.open shelve.open
"""
# What opens or parses a foreign file -> the files that may call it.
DOORS = {
    "torch.load": {"models/tensor_files.py", "sources/formats/tensor_file.py"},
    "load_file": {"models/tensor_files.py"},
    "safe_open": {"models/tensor_files.py", "sources/formats/safetensors_files.py"},
    # A figure is read back as it was drawn, to take fewer colours.
    "Image.open": {"data/open_image.py", "figures/style.py"},
    # An endpoint's answer comes through its own bounded transport.
    "json.loads": {
        *("files/json_files.py", "explanations/chat_answers.py", "explanations/chat_judge.py"),
    },
    # A capture that goes on writes into its own file; what a job's last run has left is compared
    # with its digest first, and so are embeddings that are read some columns at a time.
    "h5py.File": {
        *("files/hdf5_files.py", "capture/activation_file.py", "capture/appended.py"),
        *("interpretability/embedding_file.py", "interpretability/embedding_table.py"),
        "spectra/moments.py",
        "sources/formats/hdf5.py",
    },
    # Rows that a job has made are compared with their digest before they are taken again.
    "pandas.read_csv": {"files/csv_tables.py", "files/kept_tables.py", "files/users_tables.py"},
    "numpy.load": {"files/array_files.py"},
    # The embedded studies, by ourselves.
    "yaml.safe_load": {"study/commented.py"},
    "yaml.load": {"study/study_file.py"},  # by its SafeLoader
    # Tokenizers, and networks.
    "from_pretrained": {
        *("models/gguf_models.py", "models/language_models.py", "models/pretrained_folders.py"),
    },
    "scipy.io.loadmat": {"sources/formats/stringer2019.py"},
    "xarray.open_dataset": {"sources/formats/netcdf.py"},
    "zarr.open_array": {"sources/formats/zarr_arrays.py"},
    "ipc.open_stream": {"sources/formats/arrow_datasets.py"},
    "zipfile.ZipFile": {
        *(
            "models/tensor_files.py",
            "sources/formats/numpy_files.py",
            "sources/formats/tensor_file.py",
        ),
        "sources/told_format.py",
    },
    **{name: set() for name in NEVER.split()},
}
SOURCES = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / "workflow/rules").glob("*.smk")]


def called(tree: ast.Module) -> Iterator[str]:
    """Full names of the functions that a module calls, whatever it calls their modules."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            yield f"{names.get(first, first)}.{rest}".rstrip(".")


def doors_called(source: str) -> set[str]:
    """Which of `DOORS` a source calls."""
    return {
        door
        for name in called(ast.parse(source))
        for door in DOORS
        if name == door or name.endswith(f".{door}")
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch as t\nt.load(p)", "torch.load"),
        ("from torch import load as l\nl(p)", "torch.load"),
        ("from PIL import Image\nImage.open(p)", "Image.open"),
        ("import PIL.Image\nPIL.Image.open(p)", "Image.open"),
        ("from json import loads\nloads(p)", "json.loads"),
        ("import pandas as pd\npd.read_csv(p)", "pandas.read_csv"),
        ("import safetensors\nwith safetensors.safe_open(p, 'pt') as f: pass", "safe_open"),
        ("from transformers import AutoModel\nAutoModel.from_pretrained(p)", "from_pretrained"),
        ("MODELS[kind].from_pretrained(p)", "from_pretrained"),
    ],
)
def test_such_calls_are_found(source, found):
    assert doors_called(source) == {found}


def python_of(file: Path) -> str:
    """A source as Python; of rules, the lines that import or call something of the table."""
    text = file.read_text("utf-8")
    if file.suffix == ".py":
        return text
    # Snakemake's own words are no Python: take each line that is, alone.
    lines = []
    for line in map(str.strip, text.splitlines()):
        try:
            ast.parse(line)
        except SyntaxError:
            continue
        lines.append(line)
    return "\n".join(lines)


def test_nothing_but_the_doors_opens_a_foreign_file():
    found: dict[str, set[str]] = {}
    for file in SOURCES:
        name = str(file.relative_to(ROOT)).removeprefix("scripts/").removeprefix("codespectra/")
        for door in doors_called(python_of(file)):
            found.setdefault(door, set()).add(name)
    assert found == {door: files for door, files in DOORS.items() if files}


# Hostile files -----------------------------------------------------------------------------------

Build = Callable[[Path], Any]
NOT_REGULAR = {
    "folder": (Path.mkdir, "a folder"),
    "FIFO": (os.mkfifo, r"a pipe \(FIFO\)"),
    "socket": (lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)), "a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
}


def images(path: Path) -> Any:
    return list(read_folder("folder", root=str(path.parent), side=32, limit=None)[0])


def file_map(path: Path) -> Any:
    import pandas as pd

    trials = pd.DataFrame([("a", 1, 1)], columns=["layer", "channel", "batch"])
    return find_images(trials, path, "resnet50", path.parent)


def activations(path: Path) -> Any:
    with open_source(path) as source:
        return [rows[:2] for rows in source.layers.values()]


# Door -> what reads its files, the name of one, and whether the workflow wrote it.
READERS: dict[str, tuple[Build, str, bool]] = {
    "weights": (read_state_dict, "a.pt", False),
    "safetensors": (read_state_dict, "a.SAFETENSORS", False),
    "tensors": (read_tensors, "a.pth", False),
    "GGUF": (read_header, "a.gguf", False),
    "people's image": (lambda path: read_images([path]), "a.JPEG", False),
    "answers": (lambda path: read_responses(path, "resnet50_natural"), "a.csv", False),
    "file map": (file_map, "map.json", False),
    "config": (lambda path: read_config(path.parent), "config.json", False),
    "explanations": (
        lambda path: list(read_lines(path, NeuronRecord, "fetch it again")),
        "0.jsonl",
        False,
    ),
    **{
        f"activations {name}": (activations, name, False)
        for name in (
            *("a.npy", "a.npz", "a.h5", "a.h5ad", "a.mat", "a.nc", "a.safetensors", "a.zarr"),
            *("features.pt", "features.txt", "natimg2800_a.mat"),
        )
    },
    "manifest": (read_json, "a.json", True),
    "HDF5": (lambda path: open_hdf5(path).__enter__(), "a.h5", True),
    "array": (read_array, "a.npy", True),
    "table": (lambda path: read_csv(path, "scores"), "a.csv", True),
}


def line_of(read: Build, path: Path) -> str:
    """The one line with which a door refuses a file."""
    with pytest.raises(UserError) as refusal:
        read(path)
    said = str(refusal.value)
    assert "\n" not in said and str(path.parent) in said
    return said


@pytest.mark.parametrize("kind", NOT_REGULAR)
@pytest.mark.parametrize("door", READERS)
def test_only_regular_files_are_opened(door, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read, name, is_ours = READERS[door]
    build, words = NOT_REGULAR[kind]
    build(tmp_path / name)
    said = line_of(read, tmp_path / name)
    assert re.search(words, said)
    assert ("; delete " in said) == is_ours


DEEP = b"[" * 100_000 + b"]" * 100_000
GARBAGE = {
    "empty": b"",
    "no UTF-8": b"\xff\xfe\xfd",
    "deep": DEEP,
    "deep object": b'{"a":' * 100_000,
    "zeros": bytes(4096),
    "page": b"<html>Not found</html>",
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("door", READERS)
def test_garbage_is_refused_in_one_line(door, garbage, tmp_path):
    read, name, is_ours = READERS[door]
    if door == "explanations" and not GARBAGE[garbage]:
        return  # no records
    (tmp_path / name).write_bytes(GARBAGE[garbage])
    said = line_of(read, tmp_path / name)
    assert ("; delete " in said) == is_ours


@pytest.mark.parametrize("door", ["answers", "file map", "config", "explanations", "manifest"])
def test_files_too_large_are_not_read(door, tmp_path):
    read, name, _ = READERS[door]
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)
    assert re.search("at most|more than", line_of(read, tmp_path / name))


# Weights


def state(**changed: Any) -> dict[Any, Any]:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    return dict(network.state_dict()) | {name.replace("__", "."): v for name, v in changed.items()}


def into_network(path: Path) -> None:
    load_weights(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)), read_state_dict(path), path)


def saved(**changed: Any) -> Build:
    return lambda path: torch.save(state(**changed), path)


def with_values(values: Any, **options: Any) -> Build:
    return saved(**{"0__weight": torch.tensor(values, **options).reshape(2, 1, 1, 1)})


def script(path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)


def tar(path: Path) -> None:
    with tarfile.open(path, "w") as file:
        file.add(__file__, "pickle")


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", bytes(1 << 26))


def safe(**changed: Any) -> Build:
    return lambda path: save_file(state(**changed), path)


def huge_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")


def far_offsets(path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}})
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode())


INFINITE = torch.tensor([1.0, torch.inf])
QUANTISED = torch.quantize_per_tensor(torch.ones(2, 1, 1, 1), 0.1, 0, torch.qint8)
WEIGHTS: dict[str, tuple[str, Build, str]] = {
    "int8": ("a.pt", with_values([1, 2], dtype=torch.int8), r"0\.weight is of type torch\.int8"),
    "bool": ("a.pt", with_values([True, False]), r"0\.weight is of type torch\.bool"),
    "complex": ("a.pt", with_values([1j, 2j]), r"0\.weight is of type torch\.complex64"),
    "float8": (
        "a.pt",
        saved(**{"0__weight": torch.ones(2, 1, 1, 1).to(torch.float8_e4m3fn)}),
        "float8",
    ),
    "sparse": ("a.pt", saved(**{"0__weight": torch.ones(2, 1, 1, 1).to_sparse()}), "is sparse"),
    "quantised": ("a.pt", saved(**{"0__weight": QUANTISED}), r"0\.weight is quantised"),
    "meta": ("a.pt", saved(**{"0__bias": torch.ones(2, device="meta")}), "a meta tensor"),
    "integer key": ("a.pt", lambda p: torch.save({0: torch.ones(2)}, p), "tensor is named 0"),
    "NaN": ("a.pt", with_values([1.0, torch.nan]), r"1 of 2 values of 0\.weight are NaN or inf"),
    "too large for single": ("a.pt", with_values([1e300, 0], dtype=torch.float64), "1 of 2 values"),
    "infinite mean": ("a.pt", saved(**{"1__running_mean": INFINITE}), r"1 of 2 .*running_mean"),
    "infinite variance": ("a.pt", saved(**{"1__running_var": INFINITE}), r"1 of 2 .*running_var"),
    "negative variance": ("a.pt", saved(**{"1__running_var": -torch.ones(2)}), "2 of 2 values"),
    "TorchScript": ("a.pt", script, "TorchScript, which holds code"),
    "tar": ("a.tar", tar, "a tar archive"),
    "zip bomb": ("a.pt", zip_bomb, "bytes of content in a file of"),
    "int8 in capitals": (
        "A.SAFETENSORS",
        safe(**{"0__weight": torch.ones(2, 1, 1, 1, dtype=torch.int8)}),
        "int8",
    ),
    "huge header": ("a.safetensors", huge_header, "damaged or no checkpoint"),
    "far offsets": ("a.safetensors", far_offsets, "damaged or no checkpoint"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_are_none_are_refused(case, tmp_path):
    name, build, words = WEIGHTS[case]
    build(tmp_path / name)
    said = line_of(into_network, tmp_path / name)
    assert re.search(words, said), said
    assert "weights_only" not in said and "delete" not in said


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("save, name", [(torch.save, "a.pt"), (save_file, "A.SAFETENSORS")])
def test_weights_of_another_precision_load(dtype, save, name, tmp_path):
    torch.manual_seed(0)
    weights = {n: v.to(dtype) if v.is_floating_point() else v for n, v in state().items()}
    save(weights, tmp_path / name)
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    load_weights(network, read_state_dict(tmp_path / name), name)
    assert torch.equal(network[0].weight, weights["0.weight"].float())


# Tables and JSON of people's answers

ANSWER = {
    **{"layer": "l", "channel": "1", "batch": "1", "task_id": "resnet50_natural-1"},
    **{"catch_trial": "False", "is_demo": "False", "mode": "natural", "choice": "b"},
    **{"confidence": "3", "correct": "True"},
}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "no answers to the condition"),
        ({"task_id": "5"}, "no answers to the condition"),
        ({"task_id": ""}, "no answers to the condition"),
        ({"channel": "inf"}, "channel is inf"),
        ({"channel": "1e300"}, "channel is 1e\\+300"),
        ({"batch": "9" * 5000}, "batch is 9{40}, expected"),
        ({"confidence": "null"}, "confidence is null"),
        ({"mode": ""}, "images in 'resnet50_natural'"),
        ({"is_demo": "no"}, "is_demo is no"),
        ({"layer": '"'}, "not a readable table"),
    ],
)
def test_answers_that_are_none_are_refused(said, words, tmp_path):
    rows = [ANSWER, *([] if said is None else [ANSWER | said])]
    lines = [",".join(row.values()) for row in rows[1:]]
    (tmp_path / "a.csv").write_text("\n".join([",".join(ANSWER), *lines]) + "\n")
    assert re.search(words, line_of(READERS["answers"][0], tmp_path / "a.csv"))


def test_a_layer_may_be_called_null(tmp_path):
    rows = [ANSWER, *(ANSWER | {"layer": name} for name in ("null", "NA", "7", "1e5"))]
    (tmp_path / "a.csv").write_text(
        "\n".join(
            [",".join(row.values()) for row in [dict(zip(ANSWER, ANSWER, strict=True)), *rows]]
        )
        + "\n"
    )
    found = READERS["answers"][0](tmp_path / "a.csv")
    assert found["layer"].tolist() == ["l", "null", "NA", "7", "1e5"]


TRIAL = "a/channel_1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"resnet50": [1]}, "resnet50: is .1., expected an object"),
        ({"resnet50": {TRIAL: "x"}}, "is 'x', expected an object"),
        ({"resnet50": {TRIAL: {"batch_1": dict.fromkeys(PEOPLES, 5)}}}, "5 is no path inside"),
        ({"resnet50": {TRIAL: {"batch_1": dict.fromkeys(PEOPLES, "../x")}}}, "is no path inside"),
        ({"resnet50": {TRIAL: {"batch_1": dict.fromkeys(PEOPLES, "x" * 999)}}}, "no such image"),
    ],
)
def test_file_maps_that_lead_elsewhere_are_refused(content, words, tmp_path):
    (tmp_path / "map.json").write_text(json.dumps(content))
    assert re.search(words, line_of(file_map, tmp_path / "map.json"))


# Images


def png(width: int, height: int, mode: str = "1", name: str = "a.png") -> Build:
    return lambda path: Image.new(mode, (width, height)).save(path.with_name(name))


def header_alone(width: int, height: int) -> Build:
    def chunk(kind: bytes, content: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + sum_

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(10)))
    return lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels)


def truncated(path: Path) -> None:
    Image.effect_noise((64, 64), 9).save(path)
    path.write_bytes(path.read_bytes()[:-100])


def with_bad_chunk(path: Path) -> None:
    Image.new("L", (8, 8)).save(path)
    path.write_bytes(path.read_bytes().replace(b"IDAT", b"ID\x00T"))


def of_many_scans(path: Path) -> None:
    Image.effect_noise((64, 64), 9).save(path, progressive=True)
    whole = path.read_bytes()
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    path.write_bytes(whole[:-2] + 200 * scan + whole[-2:])


IMAGES: dict[str, tuple[str, Build, str]] = {
    "a JPEG that is decoded for hours": ("a.jpg", of_many_scans, "20[0-9] scans, and 100 are the"),
    "196 megapixels": ("a.png", png(14_000, 14_000), r"196000000 pixels.*max_pixels"),
    "2 gigapixels": ("a.png", header_alone(50_000, 50_000), "2500000000 pixels"),
    "a thin line": ("a.png", png(1, 300_000, "L"), r"1 x 300000 pixels.*max_pixels"),
    "a long line": (
        "a.pgm",
        lambda p: p.write_bytes(b"P5 1 99999999 255 "),
        r"1 x 99999999 pixels.*max_pixels",
    ),
    "truncated": ("a.png", truncated, "not a readable image"),
    "bad chunk": ("a.png", with_bad_chunk, "not a readable image"),
    "PostScript": (
        "a.png",
        lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        "not a readable",
    ),
}


@pytest.mark.parametrize("case", IMAGES)
@pytest.mark.parametrize("read", [images, lambda path: read_images([path])])
def test_hostile_images_are_refused_by_name(case, read, tmp_path):
    name, build, words = IMAGES[case]
    build(tmp_path / name)
    said = line_of(read, tmp_path / name)
    assert said.startswith(str(tmp_path / name)) and re.search(words, said), said
    assert "delete" not in said


def test_a_progressive_image_is_read(tmp_path):
    Image.effect_noise((64, 64), 9).save(tmp_path / "a.jpg", progressive=True)
    [image] = images(tmp_path / "a.jpg")
    assert image.std() > 0


def test_a_larger_image_is_read_where_max_pixels_allows_it(tmp_path):
    Image.new("L", (20, 30), 200).save(tmp_path / "a.png")
    options = {"root": str(tmp_path), "side": 4, "limit": None}
    with pytest.raises(UserError, match=r"600 pixels, more than max_pixels \(599\)"):
        list(read_folder("folder", **options, max_pixels=599)[0])
    [image] = read_folder("folder", **options, max_pixels=600)[0]
    assert (image == 200).all()


LIMITED = """
import resource, sys
from codespectra.data.image_files import read_folder
from codespectra.errors import UserError
images, *_ = read_folder("folder", root=sys.argv[1], side=32, limit=None)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (256 << 20),) * 2)
try:
    list(images)
except UserError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("case", ["196 megapixels", "2 gigapixels", "a long line"])
def test_a_bomb_takes_no_memory(case, tmp_path):
    """It is refused with 256 MiB of addresses left, before anything is decoded."""
    name, build, words = IMAGES[case]
    build(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path],
        env={"PYTHONPATH": "scripts", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert re.search(words, done.stderr.splitlines()[-1]), done.stderr
    assert "Traceback" not in done.stderr


# HDF5


def hdf5(build: Callable[[h5py.File, Path], Any]) -> Build:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.attrs["schema_version"] = 1
            file["own"] = np.arange(4)
            build(file, path.parent)

    return write


def gathered(shape: tuple[int, ...], source: str) -> Build:
    def build(file: h5py.File, folder: Path) -> None:
        with h5py.File(folder / "shard.h5", "w") as shard:
            shard["rows"] = np.zeros((4, 2))
            shard["elsewhere"] = h5py.ExternalLink("/etc/other.h5", "rows")
            del shard["elsewhere"]
        layout = h5py.VirtualLayout(shape, "f8")
        layout[:4, :2] = h5py.VirtualSource(source, "rows", (4, 2))
        file.create_virtual_dataset("rows", layout)

    return hdf5(build)


def of_a_linked_shard(path: Path) -> None:
    gathered((4, 2), "shard.h5")(path)
    with h5py.File(path.with_name("shard.h5"), "w") as shard:
        shard["rows"] = h5py.ExternalLink("other.h5", "rows")


HDF5: dict[str, tuple[Build, str]] = {
    "external link": (
        hdf5(lambda f, _: f.update({"x": h5py.ExternalLink("other.h5", "x")})),
        "x is a link",
    ),
    "soft link": (hdf5(lambda f, _: f.update({"g/x": h5py.SoftLink("/own")})), "g/x is a link"),
    "raw storage": (
        hdf5(lambda f, d: f.create_dataset("x", (4,), "u1", external=[("raw", 0, 4)])),
        "/x lies in",
    ),
    "4 PB": (gathered((1 << 48, 2), "shard.h5"), "larger than the file"),
    "shards above": (gathered((4, 2), "../shard.h5"), "lies in another folder"),
    "shards at the root": (gathered((4, 2), "/etc/shard.h5"), "lies in another folder"),
    "itself": (gathered((4, 2), "."), "lies in another folder"),
    "no shard": (gathered((4, 2), "none.h5"), "shard none.h5 is missing"),
    "a shard that links on": (of_a_linked_shard, "rows is a link to somewhere else"),
    "versions": (hdf5(lambda f, _: f.attrs.update(schema_version=np.arange(3))), "schema version"),
    "many large": (
        hdf5(lambda f, _: [f.create_dataset(f"{i}", (1 << 50,), "u1", chunks=(64,)) for i in "ab"]),
        "larger than the file",
    ),
}


@pytest.mark.parametrize("case", HDF5)
@pytest.mark.parametrize("described", [False, True], ids=["alone", "manifest"])
def test_hdf5_leads_nowhere_else(case, described, tmp_path):
    build, words = HDF5[case]
    build(tmp_path / "a.h5")
    if described:
        write_manifest(tmp_path / "a.json", {"sha256": "0"})
    said = line_of(READERS["HDF5"][0], tmp_path / "a.h5")
    assert re.search(words, said) or (described and case == "versions")
    assert "; delete " in said, said


# Folders


def tree(root: Path, *names: bytes) -> Path:
    for name in names:
        file = root / os.fsdecode(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return root


LOOPS: dict[str, Build] = {
    "to itself": lambda root: (root / "d/again").symlink_to(root),
    "two": lambda root: [(root / f"d/{n}").symlink_to(root) for n in "pq"],
    "of each other": lambda root: [
        (root / "p").symlink_to(root / "q"),
        (root / "q").symlink_to(root / "p"),
    ],
    "many": lambda root: [
        (
            (root / f"m{i}").mkdir(),
            [(root / f"m{i}/{j}").symlink_to(root / f"m{j}") for j in range(9)],
        )
        for i in range(9)
    ],
    "pipe": lambda root: os.mkfifo(root / "pipe.txt"),
    "link to nothing": lambda root: (root / "z.txt").symlink_to("nowhere"),
}


@pytest.mark.parametrize("case", LOOPS)
def test_each_file_is_seen_once(case, tmp_path):
    root = tree(tmp_path / "root", b"a.txt", b"d/b.txt", b".hidden/c.txt", b"d/.c.txt")
    LOOPS[case](root)
    assert [str(p.relative_to(root)) for p in files_below(root)] == ["a.txt", "d/b.txt"]
    assert [d.name for d in text_folder(root, "**/*.txt")] == ["a.txt", "d/b.txt"]


def stamp(root: Path, pattern: str = "**/*") -> str:
    return date_stamp(files_below(root, pattern), root)


def test_stamp_and_readers_see_linked_folders(tmp_path):
    other = tree(tmp_path / "other", b"c.txt", b"deep/d.txt")
    root = tree(tmp_path / "root", b"a.txt")
    before = stamp(root)
    (root / "linked").symlink_to(other)
    names = ["a.txt", "linked/c.txt", "linked/deep/d.txt"]
    assert [d.name for d in text_folder(root, "**/*")] == names
    linked = stamp(root)
    tree(other, b"deep/e.txt")
    assert len({before, linked, stamp(root)}) == 3


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.txt", "a.txt d/b.txt d/e/c.txt"),
        ("*.txt", "a.txt"),
        ("d/**/*", "d/b.txt d/e/c.txt d/e/f.csv"),
        ("*/*.txt", "d/b.txt"),
        ("**/e/*", "d/e/c.txt d/e/f.csv"),
        ("./d/[ab].txt", "d/b.txt"),
        ("../*.txt", ""),
        ("/etc/*", ""),
    ],
)
def test_a_pattern_means_what_it_means_to_glob(pattern, found, tmp_path):
    root = tree(tmp_path / "root", b"a.txt", b"d/b.txt", b"d/e/c.txt", b"d/e/f.csv")
    assert [str(path.relative_to(root)) for path in files_below(root, pattern)] == found.split()


def test_images_of_linked_classes_in_the_order_of_torchvision(tmp_path):
    for name in ("cat/b", "cat/a.b", "cat/B", "dog/x"):
        path = tmp_path / "real" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), len(name)).save(path)
    root = tmp_path / "root"
    root.mkdir()
    for name in ("cat", "dog"):
        (root / name).symlink_to(tmp_path / "real" / name)
    (root / "cat/.hidden.png").write_text("none")
    found, _, classes, labels = read_folder("folder", root=str(root), side=4, limit=None)
    theirs = ImageFolder(str(root), is_valid_file=lambda path: "hidden" not in path)
    assert (classes, labels.tolist()) == (tuple(theirs.classes), theirs.targets)
    assert [image[0, 0, 0] for image in found] == [
        np.asarray(image)[0, 0, 0] for image, _ in theirs
    ]


def test_images_beside_classes_are_refused(tmp_path):
    tree(tmp_path, b"1.png", b"extra/x.png")
    with pytest.raises(UserError, match=r"holds images \(1\.png\) beside the folder extra"):
        images(tmp_path / "1.png")


def test_names_needn_t_be_utf8(tmp_path):
    root = tree(tmp_path / "root", b"a.txt", b"caf\xe9.txt")
    write_text(
        tmp_path / "text.h5",
        {"source": "folder", "root": str(root), "pattern": "*.txt", "test_share": 1.0},
    )
    names = [document.name for document in read_documents(tmp_path / "text.h5", "test")]
    assert names == ["a.txt", os.fsdecode(b"caf\xe9.txt")]
    assert stamp(root) != stamp(root, "a.txt")
    Image.new("L", (4, 4)).save(tmp_path / "x.png")
    tree(tmp_path / "images", b"caf\xe9/a.png")
    with pytest.raises(UserError, match=r"udce9' isn't printable; rename that folder"):
        images(tmp_path / "images/a.png")


# Language models


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "gpt"
    sizes = {"width": 8, "layers": 1, "heads": 2, "context": 16}
    save_language_model(folder, byte_gpt2(sizes), byte_tokenizer(16))
    return folder


@pytest.fixture
def model(saved_model, tmp_path) -> Path:
    return Path(shutil.copytree(saved_model, tmp_path / "gpt"))


def changed(name: str, **values: Any) -> Build:
    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | values))

    return change


def index_of(*names: Any) -> Build:
    def build(folder: Path) -> None:
        shutil.copy(folder / "model.safetensors", folder.parent / "elsewhere.safetensors")
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        weight_map = {f"w{i}": name for i, name in enumerate(names)}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))

    return build


def linked_out(name: str) -> Build:
    def build(folder: Path) -> None:
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to("../elsewhere")

    return build


def piped(name: str) -> Build:
    def build(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return build


def weights(edit: Callable[[dict[str, torch.Tensor]], Any]) -> Build:
    def build(folder: Path) -> None:
        content = load_file(folder / "model.safetensors")
        edit(content)
        save_file(content, folder / "model.safetensors", {"format": "pt"})

    return build


def rules(count: int) -> dict[str, Any]:
    rule = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
    return {"type": "Sequence", "normalizers": [rule] * count, "decoders": [rule] * count}


def decoder_rules(count: int) -> dict[str, Any]:
    return {"decoder": {"type": "Sequence", "decoders": rules(count)["decoders"]}}


def load_both(folder: Path) -> None:
    check_folder(folder)
    network = load_network(folder, "causal")
    check_vocabulary(network, load_tokenizer(folder), folder)


STEP = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
FIRST = "transformer.h.0.mlp.c_fc.weight"
MODELS: dict[str, tuple[Build, str]] = {
    "index names a pickle": (index_of("pytorch_model.bin"), r"names 'pytorch_model\.bin'"),
    "index leads out": (index_of("../elsewhere.safetensors"), r"names '\.\./elsewhere"),
    "index of numbers": (index_of(3), "names 3"),
    "weights leads out": (linked_out("model.safetensors"), "outside the folder"),
    "config leads out": (linked_out("config.json"), "outside the folder"),
    "tokenizer leads out": (linked_out("tokenizer.json"), "outside the folder"),
    "weights are a pipe": (piped("model.safetensors"), "a pipe"),
    "config is a pipe": (piped("config.json"), "a pipe"),
    "tokenizer is a pipe": (piped("tokenizer_config.json"), "a pipe"),
    "other weights": (
        changed("config.json", transformers_weights="other.safetensors"),
        "has transformers_weights",
    ),
    "own code": (changed("config.json", auto_map={"AutoModel": "x.Y"}), "has auto_map"),
    "quantised": (
        changed("config.json", quantization_config={"quant_method": "bitsandbytes"}),
        "has quantization_config",
    ),
    "flash attention": (
        changed("config.json", attn_implementation="flash_attention_2"),
        "flash_attention_2",
    ),
    "attention of the hub": (
        changed("config.json", _attn_implementation="org/kernel"),
        "org/kernel",
    ),
    "no number": (changed("config.json", n_embd="many"), "n_embd"),
    "heads that don't fit": (changed("config.json", n_head=3), "can't be loaded"),
    "int8": (weights(lambda w: w.update({FIRST: w[FIRST].to(torch.int8)})), r"c_fc\.weight is of"),
    "NaN": (weights(lambda w: w[FIRST].view(-1)[:3].fill_(torch.nan)), "3 of 256 values of"),
    "deep tokenizer": (lambda f: (f / "tokenizer.json").write_bytes(DEEP), "recursion"),
    "large tokenizer": (lambda f: os.truncate(f / "tokenizer.json", 1 << 40), "at most"),
    "rules that grow": (
        changed("tokenizer.json", normalizer=rules(7)),
        "normalizer makes 10,000,000 characters of 1",
    ),
    "rules that burst": (changed("tokenizer.json", normalizer=rules(30)), "needs more than|makes"),
    "decoder that grows": (
        changed("tokenizer.json", **decoder_rules(7)),
        "decoder makes 10,000,000",
    ),
    "steps that burst": (
        changed("tokenizer.json", pre_tokenizer={"type": "Sequence", "pretokenizers": [STEP] * 30}),
        "needs more than",
    ),
    "no length": (changed("tokenizer_config.json", model_max_length="x"), "can't be loaded"),
    "stored as float8": (
        changed("config.json", dtype="float8_e4m3fn", n_head=3),
        "can't be loaded",
    ),
    "larger vocabulary": (
        changed(
            "tokenizer_config.json",
            added_tokens_decoder={"300": {"content": "<x>", "special": True}},
        ),
        "go up to 256, but the network's embedding has 256 rows",
    ),
}


@pytest.mark.parametrize("case", MODELS)
def test_hostile_model_folders_are_refused(case, model):
    build, words = MODELS[case]
    build(model)
    said = line_of(lambda path: load_both(path.parent), model / "config.json")
    assert re.search(words, said), said
    assert "delete" not in said


def test_a_mark_before_a_config_is_passed_over(model):
    config = model / "config.json"
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    load_both(model)


def test_no_file_is_opened_that_no_digest_covers(model):
    """Whatever a folder's files name: what is loaded is what the manifest lists."""
    changed("tokenizer_config.json", fast_tokenizer_files=["tokenizer.1.0.0.json"])(model)
    whole = json.loads((model / "tokenizer.json").read_text())
    ids = {token: 255 - id_ for token, id_ in whole["model"]["vocab"].items()}
    other = whole | {"model": whole["model"] | {"vocab": ids}}
    (model / "tokenizer.1.0.0.json").write_text(json.dumps(other))
    try:
        assert load_tokenizer(model)("a")["input_ids"] == [97]
    except UserError as error:
        assert "can't be loaded" in str(error)


def test_rules_that_grow_nothing_are_kept(model):
    changed("tokenizer.json", normalizer={"type": "Lowercase"})(model)
    assert load_tokenizer(model)("A")["input_ids"] == [97]
