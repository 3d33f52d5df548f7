"""Tables that a script computes, written into a page between their marks."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path


def write_tables(
    page: str | Path, tables: Mapping[str, tuple[list[str], Iterator[list[str]]]], names: list[str]
) -> None:
    """Write each table, a head and rows, between `<!-- NAME -->` and `<!-- end of NAME -->`.

    Only those of `names`; without any, all.
    """
    page = Path(page)
    for name in names or tables:
        head, rows = tables[name]
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        inside = f"{begin}\n{markdown(head, rows)}\n{end}"
        text = re.sub(f"{begin}.*?{end}", inside, page.read_text(), flags=re.DOTALL)
        page.write_text(text)


def markdown(head: list[str], rows: Iterator[list[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
