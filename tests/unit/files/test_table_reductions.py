"""How tables say which reductions their activations have."""

import pandas as pd
import pytest

from codespectra.files.table_reductions import reductions_in_words


def reduced(*reductions: str) -> pd.DataFrame:
    return pd.DataFrame({"reduction": reductions})


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, ""),
        ({"capacity": pd.DataFrame({"bits": [1]}), "stimuli": "a.h5", "halves": None}, ""),
        ({"exponents": reduced("stride", "stride"), "bootstrap": reduced("stride")}, "stride"),
        (
            {"exponents": reduced("stride"), "action": reduced("none"), "crossed": reduced("none")},
            "stride (exponents), none (action)",
        ),
        ({"scores": reduced("cls", "stride")}, "cls (scores), stride (scores)"),
    ],
)
def test_reductions_are_named_once(tables, words):
    assert reductions_in_words(tables) == words
