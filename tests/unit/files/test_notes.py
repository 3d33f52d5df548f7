"""What the workflow wrote is believed only to the byte: tables, arrays, records, manifests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from damage import PLACES, SETTINGS, flipped, refused
from hypothesis import given
from hypothesis import strategies as st

from codespectra.errors import UserError
from codespectra.files.array_files import read_array, write_array
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.files.made_by import MADE_BY
from codespectra.files.manifests import read_manifest, read_signed, write_manifest
from codespectra.files.notes import check_noted, note_of, write_note
from codespectra.files.whole_files import atomic

ROWS = pd.DataFrame({"dropout": [0.1, 0.2, 0.5], "layer": [1, 2, 3]})
ROWS = ROWS.assign(uncorrected_share=[1.0, 2.5, 3.25], corrected_share=[1.125, 2.0, 3.1234567])


def write_lines(path: Path) -> None:
    with atomic(path) as temporary:
        temporary.write_text("".join(f'{{"line": {line}}}\n' for line in range(9)))
        write_note(path, temporary)


# Kind of file -> its name, what writes and what reads it.
KINDS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], Any]]] = {
    "table": (
        "t.csv",
        lambda path: write_csv(path, ROWS),
        lambda path: read_csv(path, "capacity_layers"),
    ),
    "array": ("t.npy", lambda path: write_array(path, np.arange(20.0)), read_array),
    "records": ("t.jsonl", write_lines, check_noted),
    "manifest": (
        "t.json",
        lambda path: write_manifest(path, {"count": 60, "classes": ["ä"], "share": 0.1}),
        read_manifest,
    ),
}
NOTED = [kind for kind in KINDS if kind != "manifest"]


@pytest.fixture(scope="module", params=KINDS)
def written(request, tmp_path_factory) -> tuple[Path, bytes, Callable[[Path], Any]]:
    """A file, its bytes, and what reads it."""
    name, write, read = KINDS[request.param]
    path = tmp_path_factory.mktemp("written") / name
    write(path)
    read(path)
    return path, path.read_bytes(), read


@SETTINGS
@given(place=PLACES)
def test_what_is_cut_off_is_refused(written, place: float) -> None:
    path, whole, read = written
    path.write_bytes(whole.rstrip(b"\n")[: int(place * len(whole))])
    assert refused(path, read) or path.suffix == ".json"


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused(written, place: float, bit: int) -> None:
    path, whole, read = written
    path.write_bytes(whole)
    expected = read(path)
    path.write_bytes(flipped(whole, place, bit))
    # Another blank between two words of JSON says the same.
    assert refused(path, read) or (path.suffix == ".json" and read(path) == expected)


DAMAGED_TABLES = {
    "cut at a line's end": lambda text: text[: text.rindex("\n", 0, -1) + 1],
    "header alone": lambda text: text[: text.index("\n") + 1],
    "rows twice": lambda text: text + text[text.index("\n") + 1 :],
    "last number cut": lambda text: text[:-3] + "\n",
    "another header": lambda text: text.replace("layer", "Layer", 1),
    "lines ended as on Windows": lambda text: text.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("damage", DAMAGED_TABLES)
def test_a_table_that_still_reads_as_one_is_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, ROWS)
    path.write_text(DAMAGED_TABLES[damage](path.read_text()), newline="")
    with pytest.raises(UserError, match="changed since it was written with 3 rows; delete"):
        read_csv(path, "capacity_layers")


def test_a_manifest_with_another_count_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    write_manifest(path, {"count": 60})
    path.write_text(path.read_text().replace("60", "50"))
    assert refused(path, read_manifest)
    path.write_text(json.dumps({"count": 60}))
    assert refused(path, read_manifest)


@pytest.mark.parametrize("kind", NOTED)
@pytest.mark.parametrize("note", [None, "{}", "[]", "cut"])
def test_without_its_note_nothing_is_believed(kind: str, note: str | None, tmp_path: Path) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    if note is None:
        note_of(path).unlink()
    else:
        note_of(path).write_text(note.replace("cut", note_of(path).read_text()[:-5]))
    assert refused(path, read)


@pytest.mark.parametrize("kind", NOTED)
def test_a_moved_folder_and_plain_bytes_are_as_good(kind: str, tmp_path: Path) -> None:
    name, write, read = KINDS[kind]
    write(tmp_path / "a" / name)
    (tmp_path / "a").rename(tmp_path / "b")
    read(tmp_path / "b" / name)
    assert {file.name for file in (tmp_path / "b").iterdir()} == {name, f".{name}.json"}


def test_a_file_tells_what_made_it(tmp_path: Path, monkeypatch) -> None:
    job = {"rule": "r", "params": ["{'seed': 1}"], "input": ["a.h5"], "output": ["t.csv"]}
    for key, value in job.items():
        monkeypatch.setitem(MADE_BY, key, value)
    write_csv(tmp_path / "t.csv", ROWS)
    assert read_signed(note_of(tmp_path / "t.csv"))["made_by"] == job
    write_manifest(tmp_path / "t.json", {"count": 3})
    told = json.loads((tmp_path / "t.json").read_text())["made_by"]
    # Gathered shards give the manifest of a single job.
    assert told == {key: value for key, value in job.items() if key != "input"}
    assert read_manifest(tmp_path / "t.json") == {"count": 3}
