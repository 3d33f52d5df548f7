"""Benchmarks run, at sizes that show no speed; the page of a run is what its results make."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import ROOT

FOLDER = ROOT / "benchmarks"
# bench_memory takes processes and minutes: tests/slow.
NAMES = [path.stem for path in sorted(FOLDER.glob("bench_*.py")) if path.stem != "bench_memory"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of the benchmarks, with small sizes."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    for name in NAMES:
        module = importlib.import_module(name)
        for constant, value in module.SMALL.items():
            monkeypatch.setattr(module, constant, value)
    return


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_and_both_sides_agree(small: None, name: str) -> None:
    for row in sys.modules[name].rows():
        assert row.goal and (row.ratio is None) == (row.ok is None)
        assert row.ratio is None or row.ratio > 0


def test_the_page_is_what_the_results_make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    written, page = tmp_path / "benchmarks.md", ROOT / "docs/benchmarks.md"
    written.write_text(page.read_text())
    importlib.import_module("run").write_page(written, ROOT / "docs/benchmarks.json")
    assert written.read_text() == page.read_text()
