"""Pieces: whatever the order of additions and removals, each item is captured once and is found."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codespectra.files.manifests import write_manifest
from codespectra.study.pieces import FIRST, plan_pieces, standing_pieces, unwanted_files

ITEMS = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["mean", "none"]))
WANTED = st.lists(ITEMS, min_size=1, max_size=8, unique=True)


@given(st.lists(WANTED, min_size=1, max_size=6))
def test_each_item_is_captured_once_and_found_in_one_piece(history):
    standing, captured = {}, []
    for wanted in history:
        pieces = plan_pieces(wanted, standing)
        new = pieces.holds.keys() - standing.keys()
        assert len(new) == (not {*wanted} <= {*captured})
        assert all(pieces.holds[ending] == standing[ending] for ending in standing)
        captured += [item for ending in new for item in pieces.holds[ending]]
        chosen = [item for ending in pieces.of(wanted) for item in pieces.holds[ending]]
        assert {*wanted} <= {*chosen} and len(chosen) == len({*chosen})
        # Once it is made, the answer is the same.
        standing = pieces.holds
        assert plan_pieces(wanted, standing) == pieces
    assert len(captured) == len({*captured})


@given(WANTED, WANTED)
def test_what_stands_stays_when_less_is_wanted(wanted, others):
    standing = plan_pieces([*dict.fromkeys(wanted + others)], {}).holds
    assert plan_pieces(wanted, standing).holds == standing
    assert plan_pieces(wanted, standing).of(wanted) == [FIRST]


def test_the_first_piece_has_the_plain_name_and_others_that_of_what_they_hold():
    one = plan_pieces([("a", "mean")], {})
    assert one.holds == {FIRST: [("a", "mean")]}
    more = plan_pieces([("b", "mean"), ("a", "mean")], one.holds)
    (ending,) = more.holds.keys() - {FIRST}
    assert more.holds[ending] == [("b", "mean")]
    assert plan_pieces([("b", "none"), ("a", "mean")], one.holds).holds.keys() - {FIRST} != {ending}
    # Without it, what is missing gets its name.
    assert plan_pieces([("a", "mean"), ("b", "mean")], {ending: [("b", "mean")]}).holds == {
        FIRST: [("a", "mean")],
        ending: [("b", "mean")],
    }


def write_piece(store: Path, ending: str, items: list[list[str]], **told: str) -> Path:
    """A whole piece as its job leaves it, without numbers."""
    data = store.with_name(f"{store.name}{ending}.h5")
    data.touch()
    write_manifest(data.with_suffix(".json"), {"holds": items, "origin": "now"} | told)
    return data


def test_pieces_that_are_whole_and_made_from_the_same_stand(tmp_path):
    store = tmp_path / "tiles"
    write_piece(store, "", [["a", "mean"]])
    write_piece(store, "+0123abcd", [["b", "mean"], ["c", "none"]])
    write_piece(store, "+1123abcd", [["d", "mean"]], origin="another code")
    write_piece(store, "+2123abcd", [["e", "mean"]]).unlink()
    damaged = write_piece(store, "+3123abcd", [["f", "mean"]]).with_suffix(".json")
    damaged.write_text(damaged.read_text().replace("f", "g"))
    # Of the layout before there were pieces.
    write_manifest(write_piece(store, "+4123abcd", []).with_suffix(".json"), {"count": 9})
    write_piece(tmp_path / "tiles-noisy", "", [["h", "mean"]])
    write_piece(store, ".shards", [["i", "mean"]])
    assert standing_pieces(store, "now") == {
        "": [("a", "mean")],
        "+0123abcd": [("b", "mean"), ("c", "none")],
    }
    assert standing_pieces(tmp_path / "elsewhere/tiles", "now") == {}


def test_all_that_there_is_of_unwanted_pieces_is_found(tmp_path):
    store = tmp_path / "tiles"
    for ending in ("", "+0123abcd", "+1123abcd"):
        write_piece(store, ending, [["a", "mean"]])
    left = {
        *("tiles+1123abcd.shards", ".tiles+1123abcd.h5.kept", ".tiles+1123abcd.h5.items"),
        *(".tiles+2123abcd.h5.partial", ".tiles+2123abcd.h5.progress.json"),  # of a killed job
        ".tiles+2123abcd.h5.lock",
    }
    for name in (*left, ".tiles.h5.kept", "tiles-noisy.h5", "other+1123abcd.h5", "tiles.csv"):
        (tmp_path / name).touch()
    found = {file.name for file in unwanted_files(store, ["", "+0123abcd"])}
    assert found == left | {"tiles+1123abcd.h5", "tiles+1123abcd.json"}
    assert unwanted_files(tmp_path / "elsewhere/tiles", []) == []
