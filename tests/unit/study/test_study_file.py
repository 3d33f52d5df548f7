"""A study's file: what is wrong with it is told with its place, before Snakemake takes it."""

from pathlib import Path

import pytest

from codespectra.errors import UserError
from codespectra.study.study_file import read_arguments, read_study_file


def bomb(form: str) -> str:
    """Eight anchors, each of which holds the one before it nine times: 43 million values."""
    anchors = (form.format(i, ", ".join([f"*a{i - 1}"] * 9)) for i in range(1, 9))
    return "\n".join(["a0: &a0 {x: 1}", *anchors])


REFUSED = {
    "a key twice": (
        "study: a\nspectra:\n  seed: 1\n  solver: exact\n  seed: 2",
        ": spectra.seed stands on lines 3 and 5; keep one",
    ),
    "a model twice": ("models: {a: {}, b: {},\n  a: {}}", ": models.a stands on lines 1 and 2"),
    "a key twice in a list": ("runs:\n- {a: 1, a: 1}", ": runs.0.a stands on lines 2 and 2"),
    "two kinds of quotes": ("\"a\": 1\n'a': 2", ": a stands on lines 1 and 2"),
    "an open bracket": ("a: 1\nb: [1, 2\nc: 3", ", line 3, column 2: while parsing a flow seq"),
    "a tab": ("a:\n\tb: 1", r", line 2, column 1: .* found character '.t'"),
    "two documents": ("a: 1\n---\nb: 2", ", line 2, column 1: expected a single document"),
    "code": ("a: !!python/object/apply:os.system [ls]", ", line 1, column 4: .* constructor"),
    "code of Snakemake's": ("__use_yte__: true\na: ?1 + 1", ": line 1: __use_yte__ runs code"),
    "a date that is none": ("a: 2020-13-45", ": can't be read as YAML .month must be in 1..12"),
    "a control character": ("a: \a", ": can't be read as YAML .unacceptable character #x0007"),
    "no UTF-8": (b"a: 1\nb: \xff", ", line 2: is no UTF-8; save the file as UTF-8"),
    "a list": ("- a", ": holds no keys; begin with study: NAME"),
    "nothing": ("", ": holds no keys"),
    "a bomb of sections": (bomb("a{0}: &a{0} [{1}]"), ": holds over 100000 values"),
    "a bomb of merged keys": (bomb("a{0}: &a{0} {{{{<<: [{1}]}}}}"), ": holds over 100000 values"),
    "itself": ("a: &a [*a]", ": is nested too deeply, or in itself"),
    "a thousand brackets": ("a: " + "[" * 1000, ": is nested too deeply"),
    "a megabyte": ("# " * 600_000, ": is no file of at most 1000000 bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_with_its_place(name: str, tmp_path: Path) -> None:
    text, told = REFUSED[name]
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=f"^{path}{told}") as raised:
        read_study_file(path)
    assert "\n" not in str(raised.value)


def test_all_that_stands_twice_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    with pytest.raises(UserError, match=r"a stands .*\n.*b.c stands"):
        read_study_file(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/tmp", "/nowhere.yaml"])
def test_what_is_no_file_is_told_and_not_read(path: str) -> None:
    with pytest.raises(UserError, match=f"^{path}: is no file"):
        read_study_file(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("study.yaml", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n"),
        ("study.yaml", b"a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n"),
        ("study.json", b'{\n\t"a": 1,\n\t"b": [2]\n}'),
    ],
    ids=["with a BOM", "with anchors", "JSON with tabs"],
)
def test_what_snakemake_reads_as_it_looks_is_let_through(name, content, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    read_study_file(tmp_path / name)


def test_values_of_the_command_line_are_those_of_a_file() -> None:
    given = ["runtime={batch: 8, device: cpu}", "study=null", "a=b=c", "seeds=[1, '1', true, 1.5]"]
    assert read_arguments(given) == {
        "runtime": {"batch": 8, "device": "cpu"},
        "study": None,
        "a": "b=c",
        "seeds": [1, "1", True, 1.5],
    }


@pytest.mark.parametrize("value", ["[1", "2020-13-45", "1" * 5000, "!!python/name:os 1"])
def test_a_value_of_the_command_line_that_is_no_yaml_names_its_key(value: str) -> None:
    with pytest.raises(UserError, match=r"^--config seeds: can't be read as YAML [^\n]*$"):
        read_arguments([f"seeds={value}"])
