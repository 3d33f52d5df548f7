"""An atlas of 17 layers of 2,048 units and 50,000 images: its size, and what it takes to see it."""

import logging
import statistics
from contextlib import suppress
from pathlib import Path

import pytest
from browser import Browser, chromium
from synthetic_atlas import write_atlas

LAYERS, UNITS, IMAGES = 17, 2048, 50_000
# Opens a unit; milliseconds until its page stands, and until it is painted.
OPEN = """
const done = arguments[arguments.length - 1], want = arguments[0], from = performance.now();
location.hash = want;
(function look() {
  if (document.getElementById("main").dataset.address !== want) { setTimeout(look, 1); return; }
  requestAnimationFrame(() => requestAnimationFrame(() =>
    done([atlas.took, performance.now() - from])));
})();
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("atlas") / "atlas"
    return write_atlas(folder, layers=LAYERS, units=UNITS, images=IMAGES)


def test_it_takes_a_hundred_megabytes_at_most(index):
    sizes = [file.stat().st_size for file in index.parent.rglob("*") if file.is_file()]
    logging.info("%.1f MB in %d files", sum(sizes) / 1e6, len(sizes))
    assert sum(sizes) <= 100e6


def test_any_unit_opens_without_what_it_does_not_show(index):
    """Times are told, not tested: they depend on what else the machine does."""
    with chromium(index) as browser:
        browser.open("#/")
        logging.info("first page: %.0f ms", browser.run("return performance.now()"))
        assert not [url for url in browser.requests() if url.endswith((".webp", "images/run.js"))]
        browser.open("#/network/images")
        browser.wait("document.querySelector('.virtual tbody td') !== null")
        assert len(browser.texts(".virtual tbody tr")) < 60
        assert browser.texts("[role=status]") == [f"{LAYERS * UNITS} of {LAYERS * UNITS} units"]
        browser.requests()
        took = []
        for number in range(60):
            address = f"#/network/images/layer{number % LAYERS}/neurons/{31 * number}"
            took.append(browser.driver.execute_async_script(OPEN, address))
        shards = [url for url in browser.requests() if url.endswith(".js")]
        assert len(shards) == 2 * LAYERS  # their maps too
        for name, values in zip(("stands", "is painted"), zip(*took, strict=True), strict=True):
            middle, most = statistics.median(values), max(values)
            logging.info("a unit %s after %.0f ms, at most %.0f", name, middle, most)
        held = memory_of_page(browser)
        logging.info("memory of the page's process: %.0f MB", held / 1e6)
        assert 50e6 < held <= 500e6
        assert browser.complaints() == []


def memory_of_page(browser: Browser) -> int:
    """Bytes of the largest of the browser's processes that show pages."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # some end meanwhile
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    ours, held = {browser.driver.service.process.pid}, [0]
    while more := {process for process, parent in parents.items() if parent in ours} - ours:
        ours |= more
    for process in ours:
        folder = Path(f"/proc/{process}")
        with suppress(OSError):
            if "--type=renderer" in folder.joinpath("cmdline").read_text():
                lines = folder.joinpath("smaps_rollup").read_text().splitlines()
                held += [int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")]
    return max(held)
