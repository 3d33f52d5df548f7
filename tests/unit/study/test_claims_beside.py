"""Verdicts of another study beside this one's: read at the start, and told where they can't be."""

import pytest
from checked_plans import mistakes
from project import changed, read_config

from codespectra.study.claims_beside import read_verdicts

HEADER = "id,claim,margin,verdict\n"
WRONG = {
    "no file": (None, "not a readable table (No such file or directory)"),
    "another table": ("model,alpha\na,1\n", "no rows with id, margin, verdict; give another st"),
    "no row": (HEADER, "no rows with id, margin, verdict"),
    "no verdict": (HEADER + "A1,x,1,true\n", "verdict true of A1, which is none"),
    "no number": (HEADER + "A1,x,far,supported\n", "no margin of A1 (could not convert string"),
    "no text": (b"\xff\xfe", "not a readable table ('utf-8' codec can't decode"),
}


def test_verdicts_are_those_of_the_table(tmp_path) -> None:
    file = tmp_path / "claims.csv"
    rows = "A1,x,1.5,supported\nA2,y,,inconclusive\nA3,z,,not run\nA4,z,inf,mixed\n"
    file.write_text(HEADER + rows)
    assert read_verdicts(file) == {
        "A1": {"verdict": "supported", "margin": 1.5},
        "A2": {"verdict": "inconclusive", "margin": None},
        "A4": {"verdict": "mixed", "margin": None},
    }


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_table_of_verdicts_is_told_before_any_job(tmp_path, content, words) -> None:
    file = tmp_path / "claims.csv"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (line,) = mistakes(changed(read_config(), {"figures.claims_beside": {"toy": str(file)}}))
    assert line.startswith(f"config: figures.claims_beside.toy: {file}: ") and words in line
