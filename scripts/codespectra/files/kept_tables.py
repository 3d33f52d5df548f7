"""Tables that lie item by item in their files, so that a job's next run can take some as they are.

The first columns of an item's rows, its context, may be others then: a layer is at another depth
when one is added before it. They are written anew before rows whose other bytes stay. An output
that isn't called `.csv` holds an item's lines, without columns and context.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from codespectra.files.csv_writer import FORM
from codespectra.files.kept_results import Item, KeptResults
from codespectra.files.notes import write_note
from codespectra.files.whole_files import atomic

# A row of CSV, whose quoted fields may hold line ends.
ROW = re.compile(rb'[^"\n]*(?:"[^"]*"[^"\n]*)*\n')

Context = dict[str, Any]
# The line of columns, the rows, and how many these are.
Block = tuple[bytes, bytes, int]


class KeptTables(KeptResults):
    """The tables of a job: rows of its missing items are added, then all are written, then kept."""

    @cached_property
    def _added(self) -> dict[Item, Mapping[str, pd.DataFrame | bytes]]:
        return {}

    def add(self, item: Item, **tables: pd.DataFrame | bytes) -> None:
        """Add the rows, or lines, of a missing item by the name of the output, if it has any."""
        self._added[item] = tables

    def write(self, contexts: Mapping[Item, Context]) -> None:
        """Write the tables, and their notes.

        Args:
            contexts: the first columns of each item's rows, of texts and whole numbers; not all are
                empty.
        """
        holders: dict[str, list[Item]] = {}
        for item in self.items:
            self._new_places[item] = {"prefix": _prefix(contexts[item]), "rows": {}}
            known = self._added[item] if item in self.missing else self._places[item]["rows"]
            for name in known:
                holders.setdefault(name, []).append(item)
        for name, items in holders.items():
            for item, rows in self._write_table(name, items, contexts).items():
                self._new_places[item]["rows"][name] = rows

    def _write_table(
        self, name: str, items: list[Item], contexts: Mapping[Item, Context]
    ) -> dict[Item, list[int]]:
        """Write a table and its note; returns each item's first byte, bytes and rows."""
        places: dict[Item, list[int]] = {}
        with atomic(self._outputs[name]) as temporary:
            with temporary.open("wb") as file:
                for item in items:
                    columns, rows, count = self._block(name, item, contexts[item])
                    if not places:
                        file.write(columns)
                        expected = columns
                    elif columns != expected:
                        raise ValueError(f"{name}: {item} has the columns {columns!r}")
                    places[item] = [file.tell(), len(rows), count]
                    file.write(rows)
            write_note(self._outputs[name], temporary, rows=sum(p[2] for p in places.values()))
        return places

    def taken_rows(self, item: Item, name: str) -> pd.DataFrame:
        """Rows of an item that is taken, as they were written: numbers of nine digits."""
        columns, rows, _ = self._taken(item, name)
        return pd.read_csv(io.BytesIO(columns + rows), lineterminator="\n")

    def _block(self, name: str, item: Item, context: Context) -> Block:
        if item in self._added:
            table = self._added[item][name]
            if isinstance(table, bytes):
                return b"", table, table.count(b"\n")
            whole = table.assign(**context)[[*context, *table.columns]]
            rows = whole.to_csv(header=False, **FORM)
            return f"{_line(whole.columns)}\n".encode(), rows.encode(), len(table)
        columns, rows, count = self._taken(item, name)
        if not columns:
            return columns, rows, count
        return columns, _with_prefix(rows, self._places[item]["prefix"], _prefix(context)), count

    def _taken(self, item: Item, name: str) -> Block:
        start, size, count = self._places[item]["rows"][name]
        with self.file(name).open("rb") as file:
            columns = file.readline() if self._outputs[name].suffix == ".csv" else b""
            file.seek(start)
            return columns, file.read(size), count


def _line(fields: Iterable[Any]) -> str:
    """Texts and whole numbers as fields of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue().removesuffix("\n")


def _prefix(context: Context) -> str:
    """What an item's rows begin with."""
    return _line(context.values()) + ","


def _with_prefix(rows: bytes, old: str, new: str) -> bytes:
    """Rows that begin with another context."""
    if old == new:
        return rows
    begin, skipped = new.encode(), len(old.encode())
    return ROW.sub(lambda row: begin + row[0][skipped:], rows)
