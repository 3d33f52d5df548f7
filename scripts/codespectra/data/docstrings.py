"""English prose that is installed anyway: docstrings of Python packages, which aren't imported."""

import ast
import re
import warnings
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from codespectra.errors import UserError

TESTS = {"test", "tests"}
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
UNDERLINE = re.compile(r"([-=~^*#\"'.`_+])\1{2,}")


def installed(package: str) -> Distribution:
    """What is known of an installed package.

    Args:
        package: as pip calls it.

    Raises:
        UserError: it isn't installed.
    """
    try:
        return distribution(package)
    except PackageNotFoundError as error:
        raise UserError(
            f"language.text.packages: {package} isn't installed here; pip install {package}, or "
            "name others"
        ) from error


def package_sources(package: str) -> tuple[Path, list[Path]]:
    """The folder that an installed package lies in, and its .py files there without its tests.

    Raises:
        UserError: it isn't installed, or has no such file.
    """
    found = installed(package)
    root = Path(str(found.locate_file("")))
    paths = [
        root / file
        for file in found.files or ()
        if file.suffix == ".py" and TESTS.isdisjoint(file.parts) and ".." not in file.parts
    ]
    if not paths:
        raise UserError(
            f"language.text.packages: {package} lists no .py files of its own; name others"
        )
    return root, paths


def prose(source: bytes) -> str:
    """The docstrings of a module's source in their order, without what looks like code.

    Left out are doctests (from a line with >>> to the next blank one), what is indented under a
    line that ends with `::`, directives (`.. name::`) with what is indented under them, and lines
    under headings.

    Raises:
        SyntaxError, ValueError, RecursionError: it is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    nodes = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    nodes.sort(key=lambda node: getattr(node, "lineno", 0))
    texts = ["\n".join(_without_code(ast.get_docstring(node) or "")) for node in nodes]
    joined = "\n\n".join(text.strip() for text in texts if text.strip())
    return re.sub(r"\n{3,}", "\n\n", joined)


def _without_code(docstring: str) -> Iterator[str]:
    doctest, above = False, None  # a doctest goes on; what is indented deeper than `above` is code
    for line in docstring.splitlines():
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if not text:
            doctest = False
            yield ""
        elif above is None or indent <= above:
            is_directive = text.startswith(".. ")
            doctest = doctest or text.startswith(">>>")
            above = indent if is_directive or text.endswith("::") else None
            if not (doctest or is_directive or text == "::" or UNDERLINE.fullmatch(text)):
                yield re.sub("::$", ":", line.rstrip())
