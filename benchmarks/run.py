"""Every benchmark, one after the other, and one table of what they measured.

Each runs in a process of its own. Results go to docs/benchmarks.json, and from there into
docs/benchmarks.md: `python benchmarks/run.py --page [PAGE RESULTS]` writes a page alone. Names of
benchmarks run these, and leave the others' rows as they are.
"""

import importlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import re
import sys
import time
import traceback
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from page_tables import write_tables
from side_by_side import Row

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("bench_*.py"))
DOCS = HERE.parent / "docs"
VERSIONS = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "transformers", "h5py")


def rows_of(name: str) -> list[Row]:
    """Rows of a benchmark, printed as they come; the last says why, if it breaks."""
    found, start = [], time.process_time()
    try:
        for row in importlib.import_module(name).rows():
            print(row, flush=True)
            found.append(row)
    except Exception as error:
        traceback.print_exc()
        found.append(broken(name, error))
    print(f"{name}: {time.process_time() - start:.0f} CPU seconds", flush=True)
    return found


def broken(name: str, error: Exception) -> Row:
    """The row of a benchmark that didn't come to its end."""
    why = " ".join(str(error).split())[:200]
    return Row(f"{name} broke: {type(error).__name__}: {why}", "", None, "", False)


def in_a_process(name: str) -> list[Row]:
    """Rows of a benchmark, of a process that may be killed."""
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(rows_of, name).result()
    except BrokenExecutor as error:
        return [broken(name, error)]


def machine() -> dict[str, Any]:
    """What it ran on, in general words."""
    lines = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*: (.*)", lines, re.M)
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in VERSIONS},
    }


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the page."""
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}"
    ok = {True: "yes", False: "**no**", None: "not installed"}[row["ok"]]
    return [row["measured"], row["peer"], ratio, row["goal"], ok]


def write_page(page: Path, results: Path) -> None:
    """Write the tables of a run into the page."""
    run = json.loads(results.read_text())
    of_machine = ([key, str(value)] for key, value in run["machine"].items())
    rows = (cells(row) for found in run["rows"].values() for row in found)
    write_tables(
        page,
        {
            "rows": (["measured", "peer", "ratio", "goal", "ok"], rows),
            "machine": (["run on", ""], of_machine),
        },
        [],
    )


def main(names: list[str]) -> None:
    results, start, where = DOCS / "benchmarks.json", time.time(), machine()
    found = {name: in_a_process(name) for name in names or NAMES}
    rows = [row for rows in found.values() for row in rows]
    print("\n", *rows, sep="\n")
    missed, seconds = sum(row.ok is False for row in rows), time.time() - start
    print(f"{len(rows)} rows, {missed} missed, {seconds:.0f} s")
    kept = json.loads(results.read_text())["rows"] if names else {}
    new = {name: [asdict(row) for row in rows] for name, rows in found.items()}
    content = {"machine": where, "rows": dict(sorted((kept | new).items()))}
    results.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_page(DOCS / "benchmarks.md", results)
    sys.exit(any("broke" in row.measured for row in rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--page"]:
        page, results = sys.argv[2:] or (DOCS / "benchmarks.md", DOCS / "benchmarks.json")
        write_page(Path(page), Path(results))
    else:
        main(sys.argv[1:])
