"""Text files are UTF-8 in any locale."""

import ast
from collections.abc import Iterator

import pytest
from project import ROOT

# Where the encoding stands among the arguments, if not by name. All open text by the locale's.
OPENING = {"open": 3, "read_text": 0, "write_text": 1, "FileHandler": 2, "TextIOWrapper": 1}
SOURCES = sorted((ROOT / "scripts").rglob("*.py"))


def unencoded(tree: ast.Module) -> Iterator[int]:
    """Lines of the calls that take their encoding from the locale."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        owner = ast.unparse(node.func).removesuffix(f".{called}")
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        texts = [ast.unparse(argument) for argument in node.args]
        if words.keys() & {"text", "universal_newlines"} and "encoding" not in words:
            yield node.lineno
        if called not in OPENING or owner in {"os", "Image", "archive"} or "encoding" in words:
            continue
        binary = any("b" in mode for mode in [*texts, words.get("mode", "")] if mode[:1] in "'\"")
        if not (called == "open" and binary) and len(texts) <= OPENING[called]:
            yield node.lineno


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("open(p)", True),
        ("open(p, 'rb')", False),
        ("p.open('w')", True),
        ("p.open('a+', encoding='utf-8')", False),
        ("p.read_text()", True),
        ("p.read_text('utf-8')", False),
        ("p.write_text(text)", True),
        ("logging.FileHandler(p, 'w')", True),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c, encoding='utf-8')", False),
        ("os.open(p, os.O_RDWR)", False),
    ],
)
def test_such_calls_are_found(line, found):
    assert bool([*unencoded(ast.parse(line))]) == found


def test_every_text_file_is_opened_with_its_encoding():
    trees = {file: ast.parse(file.read_text("utf-8")) for file in SOURCES}
    found = {file.name: [*unencoded(tree)] for file, tree in trees.items()}
    assert not {name: lines for name, lines in found.items() if lines}
