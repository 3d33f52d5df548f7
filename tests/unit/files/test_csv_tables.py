"""Tables: those of another kind are refused with what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from damage import refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codespectra.errors import UserError
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.files.notes import write_note
from codespectra.files.table_columns import COLUMNS


def write_table(path: Path) -> bytes:
    """Exponents of four layers, one of which has none."""
    table = pd.DataFrame(
        {
            "model": "a",
            "weights": "train",
            "stimuli": "test",
            "reduction": "stride",
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=TEXTS | st.sampled_from(["", "NA", "null", "007", "1e5", "True", "nan", "-inf"]))
def test_a_text_is_read_as_it_was_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "explanations.csv"
    words, numbers = map(str.split, COLUMNS["explanations"])
    written = pd.DataFrame([dict.fromkeys(words, text) | dict.fromkeys(numbers, np.nan)])
    write_csv(path, written)
    read = read_csv(path, "explanations")
    assert read[words].to_dict("records") == written[words].to_dict("records")
    assert read[numbers].isna().all(axis=None)


def foreign(path: Path, text: str) -> None:
    """A table of other bytes, with a note that vouches for them."""
    path.write_text(text)
    write_note(path, path)


FOREIGN = {
    "": "damaged, or no table of exponents",
    "a,b\n1,2\n": "lacks the columns model, weights, stimuli, reduction, layer, depth",
    "a,b\n1,2,3,4\n1,2\n1,2,3,4,5,6\n": "no table of exponents",
}


@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_table_is_refused_with_what_is_wrong(text: str, tmp_path: Path) -> None:
    path = tmp_path / "exponents.csv"
    foreign(path, text)
    with pytest.raises(UserError, match=FOREIGN[text]):
        exponents(path)
    assert refused(path, exponents)


def test_a_number_that_is_none_is_shown_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "exponents.csv"
    foreign(path, write_table(path).decode().replace("-1.75", "-1n75"))
    with pytest.raises(UserError, match="alpha_low is '-1n75' in row 3"):
        exponents(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "exponents.csv", exponents)
