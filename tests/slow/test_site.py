"""The documentation's site: it is built without a warning and without anything from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    build(ROOT / "mkdocs.yml", folder)
    return folder


def build(config: Path, folder: Path) -> None:
    """Build a site.

    Raises:
        CalledProcessError: there was a warning.
    """
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(
        [sys.executable, "-m", *command, "--config-file", str(config)],
        check=True,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_nothing_is_loaded_from_elsewhere(site) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in [*pages, *site.rglob("*.css")]:
        text = page.read_text("utf-8")
        loaded = r"""(?:src|srcset|href)=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import"""
        assert not re.search(loaded, text), page


def test_formulas_are_mathml(site) -> None:
    text = (site / "methods.html").read_text("utf-8")
    assert text.count("<math") > 150 and "arithmatex" not in text and "$" not in text


def test_a_figure_has_all_that_is_told_of_it(site) -> None:
    text = (site / "gallery.html").read_text("utf-8")
    index = text.partition('id="exponents"')[2].partition("<h3")[0]
    for what in (
        "Formula",
        "Failure signs",
        "Keys",
        "Command",
        "Columns",
        "gallery/exponents.webp",
    ):
        assert what in index


def test_a_key_has_type_range_default_and_what_it_reruns(site) -> None:
    text = (site / "config.html").read_text("utf-8")
    row = text.partition('id="index"')[2].partition("<code>m</code>")[2].partition("</tr>")[0]
    for what in ("whole number", "5", "score_interpretability"):
        assert what in row
