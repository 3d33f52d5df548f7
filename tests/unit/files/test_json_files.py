"""JSON: cut off, of another form or without a key it is refused by name."""

from pathlib import Path

import pytest
from damage import PLACES, SETTINGS, refused
from hypothesis import given

from codespectra.errors import UserError
from codespectra.files.json_files import read_json, write_json


@SETTINGS
@given(place=PLACES)
def test_json_that_is_cut_off_is_refused(tmp_path_factory, place: float) -> None:
    path = tmp_path_factory.getbasetemp() / "b.json"
    write_json(path, {"sha256": "0f", "datasets": [{"key": "a", "width": 3}]})
    whole = path.read_text().rstrip("\n")
    path.write_text(whole[: int(place * len(whole))])
    assert refused(path, read_json)


@pytest.mark.parametrize("content", [b"[1, 2]", b"null", b"\xff\xfe", b"<html>"])
def test_json_of_another_form_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert refused(tmp_path / "a.json", read_json)


def test_a_key_that_a_manifest_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"count": 3})
    manifest = read_json(path)
    assert manifest["count"] == 3 and manifest.get("side") is None and manifest == {"count": 3}
    with pytest.raises(UserError, match=rf"a\.json: lacks 'side'; delete {path} and rerun"):
        manifest["side"]
