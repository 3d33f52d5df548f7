"""A job takes items from what its last run has left; its outputs are those of a fresh run."""

import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codespectra.files import kept_results
from codespectra.files.kept_tables import KeptTables
from codespectra.files.notes import note_of, read_noted
from codespectra.files.second_names import forget_kept, kept_name

# A layer and what it is computed from: text that CSV quotes, no rows, numbers.
CONTENTS = ["a", 'say "b", c', "line\nend\r", "", "ü;'\x00"]
Layers = dict[str, str]


def rows_of(content: str) -> pd.DataFrame:
    """Rows of a layer: none of an empty content, ints beside missing values."""
    numbers = np.random.default_rng(len(content)).standard_normal(len(content))
    columns = {"letter": [*content], "value": numbers, "text": content, "count": len(content)}
    return pd.DataFrame(columns).mask(lambda table: table == 5)


def run(folder: Path, layers: Layers, m: int = 3, code: str = "1", weights: str = "t, u") -> list:
    """A stage's job as Snakemake starts it, its outputs removed; returns the layers it computed."""
    outputs = {name: str(folder / f"{name}.csv") for name in ("first", "second")}
    for file in outputs.values():
        Path(file).unlink(missing_ok=True)
    params = {"cfg": {"m": m, "layers": [*layers]}, "code": code}
    kept = KeptTables(outputs, params, ["layers"], layers)
    for layer in kept.missing:
        table = rows_of(layers[layer])
        kept.add(layer, first=table.assign(m=m), second=table[["value", "text"]][:1])
    where = {"model": 'a "b"', "weights": weights}
    kept.write({x: where | {"layer": x, "depth": i} for i, x in enumerate(layers, start=1)})
    kept.keep()
    return kept.missing


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a job; its tables are as their notes say."""
    for name in ("first", "second"):
        read_noted(folder / f"{name}.csv")
    return {file.name: file.read_bytes() for file in folder.iterdir()}


LISTS = st.lists(st.sampled_from("abcd"), min_size=1, unique=True)
STATES = st.tuples(
    LISTS.flatmap(
        lambda names: st.fixed_dictionaries(dict.fromkeys(names, st.sampled_from(CONTENTS)))
    ),
    st.sampled_from([3, 4]),
    st.sampled_from("12"),
    st.sampled_from(["t, u", 'a "b"\nc']),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(STATES, min_size=1, max_size=6))
def test_after_any_history_all_files_are_those_of_a_fresh_run(states):
    """Layers come, go, change and change places; so do the config, the code and the context."""
    with TemporaryDirectory() as place:
        folder, before = Path(place, "grown"), None
        folder.mkdir()
        for number, (layers, *others) in enumerate(states):
            taken = before[0].items() if before and before[1] == others[:2] else []
            new = [layer for layer, content in layers.items() if (layer, content) not in taken]
            assert run(folder, layers, *others) == new
            fresh = Path(place, f"fresh-{number}")
            fresh.mkdir()
            run(fresh, layers, *others)
            assert contents(folder) == contents(fresh)
            before = layers, others[:2]


def test_outputs_have_a_second_name_and_no_second_copy(tmp_path):
    run(tmp_path, {"a": "x"})
    for name in ("first", "second"):
        assert kept_name(tmp_path / f"{name}.csv").samefile(tmp_path / f"{name}.csv")


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["first.csv.kept", "second.csv.kept", "first.csv.items"])
@pytest.mark.parametrize("harm", [damage, Path.unlink, lambda file: file.write_bytes(b"")])
def test_what_is_damaged_or_gone_is_computed_again_and_said(tmp_path, caplog, name, harm):
    run(tmp_path, {"a": "x", "b": "yy"})
    whole = contents(tmp_path)
    harm(tmp_path / f".{name}")
    computed = run(tmp_path, {"a": "x", "b": "yy"})
    assert computed == ["a", "b"]
    assert contents(tmp_path) == whole
    gone = not (harm is Path.unlink and name.endswith("items"))
    assert ("nothing is taken from the last run" in caplog.text) == gone


def test_all_is_computed_after_kept_names_are_forgotten(tmp_path):
    run(tmp_path, {"a": "x"})
    forget_kept([tmp_path / "first.csv", tmp_path / "second.csv"])
    assert {*tmp_path.iterdir()} == {
        file
        for name in ("first", "second")
        for file in (tmp_path / f"{name}.csv", note_of(tmp_path / f"{name}.csv"))
    }
    assert run(tmp_path, {"a": "x"}) == ["a"]


def test_without_hard_links_nothing_is_kept_and_that_is_said(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    caplog.set_level(logging.INFO)
    run(tmp_path, {"a": "x"})
    assert "no hard links (Operation not permitted)" in caplog.text
    assert not [*tmp_path.glob("*.kept"), *tmp_path.glob("*.items")]
    assert run(tmp_path, {"a": "x"}) == ["a"]


def test_another_version_of_a_package_that_computes_takes_nothing(tmp_path, monkeypatch):
    run(tmp_path, {"a": "x"})
    monkeypatch.setattr(kept_results, "version", lambda package: "0.1")
    assert run(tmp_path, {"a": "x"}) == ["a"]


def test_the_log_says_what_is_taken_and_what_is_computed(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run(tmp_path, {"a": "x", "b": "yy"})
    assert caplog.text == ""
    run(tmp_path, {"b": "yy", "c": "x", "a": "x"})
    assert "taken from the last run: 2: b, a" in caplog.text
    assert "computed: 1: c" in caplog.text


def test_rows_of_other_columns_are_refused(tmp_path):
    kept = KeptTables({"t": str(tmp_path / "t.csv")}, {"cfg": {}, "code": ""}, [], {"a": 1, "b": 1})
    kept.add("a", t=pd.DataFrame({"x": [1]}))
    kept.add("b", t=pd.DataFrame({"y": [1]}))
    with pytest.raises(ValueError, match="b has the columns"):
        kept.write({key: {"model": "m", "weights": "w"} for key in "ab"})
