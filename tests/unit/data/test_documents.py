"""Text: which files are documents, which of them are held out, and what the file gives back."""

import sysconfig
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codespectra.data.docstrings import prose
from codespectra.data.documents import (
    Document,
    docstrings,
    is_held_out,
    read_documents,
    standard_library,
    text_folder,
    write_text,
)
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import read_manifest


def fill(root: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def folder_spec(root: Path, **options: Any) -> dict[str, Any]:
    return {"source": "folder", "root": str(root), "pattern": "**/*.txt", "test_share": 0.5} | (
        options
    )


def test_standard_library_is_its_sources_without_tests_packages_and_builds(tmp_path: Path) -> None:
    root = fill(
        tmp_path,
        {
            "zlib.py": b"z",
            "json/decoder.py": "é".encode(),
            "unittest/case.py": b"kept: it is no test",
            "empty.py": b"",
            "latin.py": "é".encode("latin-1"),
            "notes.txt": b"no source",
            "test/test_json.py": b"x",
            "ctypes/test/test_x.py": b"x",
            "idlelib/idle_test/test_y.py": b"x",
            "site-packages/numpy/core.py": b"x",
            "dist-packages/apt.py": b"x",
            "json/__pycache__/decoder.py": b"x",
            "_sysconfigdata__linux.py": b"x",
            "config-3.11-x86_64/python-config.py": b"x",
        },
    )
    assert standard_library(root) == [
        Document("json/decoder.py", "é".encode()),
        Document("unittest/case.py", b"kept: it is no test"),
        Document("zlib.py", b"z"),
    ]


def test_own_standard_library_is_read_as_it_lies() -> None:
    root = Path(sysconfig.get_path("stdlib"))
    found = {document.name: document.content for document in standard_library()}
    for name in ("typing.py", "json/decoder.py", "unittest/case.py"):
        assert found[name] == (root / name).read_bytes()
    assert not any(name.startswith(("test/", "site-packages/")) for name in found)
    assert list(found) == sorted(found)


def install(site: Path, contents: dict[str, bytes]) -> None:
    """A package `tiny` of version 1, as pip leaves it."""
    fill(site, contents | {"tiny-1.dist-info/METADATA": b"Name: tiny\nVersion: 1\n"})
    record = "".join(f"{name},,\n" for name in [*contents, "../bin/tiny.py"])
    fill(site, {"tiny-1.dist-info/RECORD": record.encode()})


def test_docstrings_are_read_and_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        tmp_path,
        {
            "tiny/__init__.py": b"raise SystemExit\n",
            "tiny/b.py": b"'Module.'\ndef f():\n    'Function.'\nclass C:\n    'Class.'\n"
            b"    async def g(self):\n        r'Method \\d, \xc3\xa9.'\n",
            "tiny/a.py": b"def f():\n    'Only this.'",
            "tiny/old.py": b"print 'no Python'",
            "tiny/latin.py": b"# -*- coding: latin-1 -*-\n'\xe9'",
            "tiny/tests/test_a.py": b"'A test.'",
            "tiny/data.txt": b"'No source.'",
        },
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert docstrings(["tiny"]) == [
        Document("tiny/a.py", b"Only this.\n"),
        Document("tiny/b.py", "Module.\n\nFunction.\n\nClass.\n\nMethod \\d, é.\n".encode()),
        Document("tiny/latin.py", "é\n".encode()),
    ]
    spec = {"source": "docstrings", "packages": ["tiny"], "test_share": 1.0}
    write_text(tmp_path / "text.h5", spec)
    assert read_manifest(tmp_path / "text.json")["documents"] == {"train": 0, "test": 3}
    with pytest.raises(UserError, match=r"no-such isn't installed here; pip install no-such"):
        docstrings(["no-such"])


DOCSTRING = """Adds numbers::

        add(1, 2)

    Parameters
    ----------
    x : float
        What is added.

    .. versionadded:: 2

        With more of it.
    Prose goes on: it may end so.
        And be indented.

    >>> add(1, 2)
    3
    The result of a doctest.

    After the doctest.

    ::

        code
"""


def test_prose_is_what_looks_like_no_code() -> None:
    assert prose(f"def add():\n    '''{DOCSTRING}'''".encode()).splitlines() == [
        "Adds numbers:",
        "",
        "Parameters",
        "x : float",
        "    What is added.",
        "",
        "Prose goes on: it may end so.",
        "    And be indented.",
        "",
        "After the doctest.",
    ]


def test_folder_takes_the_files_of_its_pattern(tmp_path: Path) -> None:
    root = fill(tmp_path, {"b.txt": b"b", "a/c.txt": b"c", "a/d.md": b"d", "e.txt": b""})
    assert text_folder(root, "**/*.txt") == [Document("a/c.txt", b"c"), Document("b.txt", b"b")]
    assert text_folder(root, "a/*.md") == [Document("a/d.md", b"d")]
    fill(root, {".hidden/f.txt": b"f"})
    write_text(tmp_path / "out" / "text.h5", folder_spec(root, test_share=1.0))
    remarks = read_manifest(tmp_path / "out" / "text.json")["remarks"]
    assert remarks == {
        "passed over: empty": 1,
        "passed over: names don't match the pattern": 1,
    }


def test_folder_names_the_file_that_is_no_text(tmp_path: Path) -> None:
    root = fill(tmp_path, {"good.txt": b"good", "bad.txt": b"\xff\xfe"})
    with pytest.raises(UserError, match=r"bad\.txt: not UTF-8"):
        text_folder(root, "*.txt")


def test_folder_without_documents_says_which_key_to_correct(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"language\.text\.root"):
        text_folder(tmp_path / "none", "*.txt")
    with pytest.raises(UserError, match=r"no file matches '\*\.txt'; .*language\.text\.pattern"):
        text_folder(tmp_path, "*.txt")


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_larger_share_holds_out_all_of_a_smaller_one(name: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert is_held_out(name, large) or not is_held_out(name, small)


def test_share_is_that_of_the_documents() -> None:
    held_out = sum(is_held_out(f"folder/{i}.py", 0.1) for i in range(20_000))
    assert 1850 < held_out < 2150  # 3.5 standard errors
    # crc32 of these strings is known: 0xCBF43926 / 2**32 = 0.7967.
    assert [is_held_out("123456789", share) for share in (0.796, 0.797)] == [False, True]


@given(contents=st.lists(st.text(min_size=1), min_size=12, max_size=12))
def test_file_gives_every_document_back_in_one_part(contents: list[str], tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("text")
    documents = {f"{i}.txt": text.encode() for i, text in enumerate(contents)}
    root = fill(folder / "root", documents)
    write_text(folder / "text.h5", folder_spec(root))
    parts = {part: read_documents(folder / "text.h5", part) for part in ("train", "test")}
    assert {d.name: d.content for part in parts.values() for d in part} == documents
    assert len(parts["train"]) + len(parts["test"]) == len(documents)
    for part, found in parts.items():
        assert all(is_held_out(d.name, 0.5) == (part == "test") for d in found)
    manifest = read_manifest(folder / "text.json")
    assert manifest["documents"] == {part: len(found) for part, found in parts.items()}
    assert manifest["bytes"] == {
        part: sum(len(d.content) for d in found) for part, found in parts.items()
    }
    assert manifest["sha256"] == hdf5_digest(folder / "text.h5")


def test_same_documents_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    contents = {f"{i}.txt": bytes([65 + i]) * i for i in range(1, 20)}
    for place in ("here", "there"):
        write_text(tmp_path / place / "text.h5", folder_spec(fill(tmp_path / place, contents)))
    here, there = (tmp_path / place / "text.h5" for place in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def test_text_without_held_out_documents_is_refused(tmp_path: Path) -> None:
    root = fill(tmp_path, {"one.txt": b"1"})
    with pytest.raises(UserError, match="of 1 documents none is held out; raise test_share"):
        write_text(tmp_path / "text.h5", folder_spec(root, test_share=1e-9))
    assert not (tmp_path / "text.h5").exists()


def test_text_may_have_no_training_documents(tmp_path: Path) -> None:
    root = fill(tmp_path, {"one.txt": b"1"})
    write_text(tmp_path / "text.h5", folder_spec(root, test_share=1.0))
    assert read_documents(tmp_path / "text.h5", "train") == []
    assert read_documents(tmp_path / "text.h5", "test") == [Document("one.txt", b"1")]
