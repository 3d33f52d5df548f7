"""CSV tables of others, as far as they are needed."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from codespectra.files.regular_files import open_regular, refusing

MOST_BYTES = 1 << 28
MOST_HEADER = 1 << 16


def read_users_table(
    path: str | Path, words: Iterable[str], others: Iterable[str], remedy: str
) -> pd.DataFrame:
    """Those columns of a CSV file that are there, in the file's order; read as plain text.

    Args:
        path: of the file, which is never unpacked.
        words: columns that stay strings.
        others: columns whose type pandas tells.
        remedy: what to do if the file is no table.

    Raises:
        UserError: the file is missing, too large or no table.
    """
    words, others = set(words), set(others)
    with refusing(path, "not a readable table", remedy), open_regular(path, MOST_BYTES) as file:
        if len(file.readline(MOST_HEADER)) == MOST_HEADER:
            raise ValueError(f"its first line has more than {MOST_HEADER} bytes")
        file.seek(0)
        return pd.read_csv(
            file,
            usecols=lambda name: name in words | others,
            dtype=dict.fromkeys(words, str),
            # Of text, `null` and `NA` are names like any other.
            keep_default_na=False,
            na_values={name: ["", "nan", "NaN", "NA"] for name in others - words},
        )
