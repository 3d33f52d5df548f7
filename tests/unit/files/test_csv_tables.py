"""Tables: damaged ones, and those of another kind, are refused with what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from damage import PLACES, SETTINGS, flipped, refused
from hypothesis import given
from hypothesis import strategies as st

from codespectra.errors import UserError
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.files.table_columns import COLUMNS


def write_table(path: Path) -> bytes:
    """Exponents of four layers, one of which has none."""
    table = pd.DataFrame(
        {
            "model": "a",
            "weights": "train",
            "stimuli": "test",
            "layer": ["conv1", "layer1.0.relu:0", 'a "b", c', "fc"],
            "depth": [1, 2, 3, 4],
            "alpha": [-0.951234567, -1.5, np.nan, -2],
            "alpha_low": [-1.25, -1.75, np.nan, -2.5],
            "alpha_high": [-0.75, -1.25, np.nan, -1.5],
            "stimulus_count": 60,
        }
    )
    write_csv(path, table)
    return path.read_bytes()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("table") / "exponents.csv"
    return path, write_table(path)


def exponents(path: Path) -> pd.DataFrame:
    return read_csv(path, "exponents")


@pytest.mark.parametrize("column", ["model", "layer"])
def test_a_text_of_any_length_is_read_again(tmp_path, column: str) -> None:
    """The csv module's own limit is 131,072 characters."""
    path = tmp_path / "exponents.csv"
    write_table(path)
    table = read_csv(path, "exponents")
    table[column] = ["x" * 131_073, *table[column][1:]]
    write_csv(path, table)
    pd.testing.assert_frame_equal(read_csv(path, "exponents"), table)


# But surrogates, which UTF-8 can't write.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@SETTINGS
@given(text=TEXTS | st.sampled_from(["", "NA", "null", "007", "1e5", "True", "nan", "-inf"]))
def test_a_text_is_read_as_it_was_written(table, text: str) -> None:
    path = table[0].with_name("explanations.csv")
    words, numbers = map(str.split, COLUMNS["explanations"])
    written = pd.DataFrame([dict.fromkeys(words, text) | dict.fromkeys(numbers, np.nan)])
    write_csv(path, written)
    read = read_csv(path, "explanations")
    assert read[words].to_dict("records") == written[words].to_dict("records")
    assert read[numbers].isna().all(axis=None)


@SETTINGS
@given(place=PLACES)
def test_a_table_that_is_cut_off_is_refused(table, place: float) -> None:
    path, whole = table
    cut = whole[: int(place * len(whole))]
    path.write_bytes(cut)
    # Cut off after a whole row it is a shorter table, which nothing in it tells.
    assert refused(path, exponents) or cut.endswith(b"\n")


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_table_leaves_rows_columns_and_numbers(table, place, bit) -> None:
    path, whole = table
    path.write_bytes(whole)
    expected = exponents(path)
    path.write_bytes(flipped(whole, place, bit))
    if not refused(path, exponents):
        found = exponents(path)
        assert found.shape == expected.shape
        assert list(found.columns) == list(expected.columns)
        for name in ("depth", "alpha", "alpha_low", "alpha_high", "stimulus_count"):
            assert pd.api.types.is_numeric_dtype(found[name])


FOREIGN = {
    "": "damaged, or no table of exponents",
    "a,b\n1,2\n": "lacks the columns model, weights, stimuli, layer, depth",
    "a,b\n1,2\n3\n": "row 3 has 1 fields, the header 2",
    "a,b\n1,2\n3,4": "its last line isn't ended",
    "a,b\n1,2,3\n": "row 2 has 3 fields, the header 2",
}


@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_table_is_refused_with_what_is_wrong(text: str, tmp_path: Path) -> None:
    path = tmp_path / "exponents.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=FOREIGN[text]):
        exponents(path)
    assert refused(path, exponents)


def test_a_number_that_is_none_is_shown_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "exponents.csv"
    whole = write_table(path)
    path.write_bytes(whole.replace(b"-1.75", b"-1n75"))
    with pytest.raises(UserError, match="alpha_low is '-1n75' in row 3"):
        exponents(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "exponents.csv", exponents)
