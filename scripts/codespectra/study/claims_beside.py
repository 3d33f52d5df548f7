"""Verdicts of other studies, which the figure of the claims shows beside this one's."""

import math
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.regular_files import refusing, shown
from codespectra.files.text_tables import read_text_table

MOST_BYTES = 1 << 22
COLUMNS = {"id", "margin", "verdict"}
REMEDY = "give another study's table of verdicts on the claims"


def read_verdicts(path: Path) -> dict[str, dict[str, Any]]:
    """Verdict and margin of each claim that a table of verdicts has measured, by its id.

    Raises:
        UserError: the file is missing, or no such table.
    """
    # A second to import, which other studies needn't pay.
    from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, MIXED, NOT_RUN, SUPPORTED

    header, rows = read_text_table(path, MOST_BYTES, REMEDY)
    if not rows or not {*header} >= COLUMNS:
        raise UserError(f"{shown(path)}: no rows with {', '.join(sorted(COLUMNS))}; {REMEDY}")
    found = {}
    for row in rows:
        if row["verdict"] not in (SUPPORTED, CONTRADICTED, INCONCLUSIVE, MIXED, NOT_RUN):
            words = f"verdict {shown(str(row['verdict']))[:40]} of {shown(row['id'])[:40]}"
            raise UserError(f"{shown(path)}: {words}, which is none; {REMEDY}")
        if row["verdict"] != NOT_RUN:
            with refusing(path, f"no margin of {shown(row['id'])[:40]}", REMEDY):
                margin = float(row["margin"] or math.nan)
            # NaN is equal to nothing: params would change at each start.
            known = margin if math.isfinite(margin) else None
            found[row["id"]] = {"verdict": row["verdict"], "margin": known}
    return found
