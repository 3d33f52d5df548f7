"""What stops a build of the site: a broken link, a page without a place, a figure, a key."""

import json
from copy import deepcopy
from pathlib import Path

import figures
import keys
import pytest
import yaml
from docutils.core import publish_string
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, PluginError
from mkdocs.utils.yaml import yaml_load
from project import ROOT

SITE = yaml_load((ROOT / "mkdocs.yml").read_text())


def build_pages(folder: Path, **pages: str) -> None:
    """Build a site of a few pages, of which two have a place, as strictly as the documents'."""
    (folder / "docs").mkdir()
    for name, text in pages.items():
        (folder / f"docs/{name}.md").write_text(text)
    config = {"site_name": "few", "theme": "mkdocs", "validation": SITE["validation"]}
    config["nav"] = [{"one": "index.md"}, {"questions": "faq.md"}]
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config))
    build(load_config(str(folder / "mkdocs.yml"), strict=True))


FAQ = "# Questions\n\n## A heading\n"


def test_pages_are_built(tmp_path) -> None:
    build_pages(tmp_path, index="[there](faq.md#a-heading)", faq=FAQ)
    assert 'href="faq/#a-heading"' in (tmp_path / "site/index.html").read_text()


@pytest.mark.parametrize(
    "pages",
    [
        {"index": "[there](limits.md)"},
        {"index": "[there](faq.md#another-heading)"},
        {"index": "![there](limits.webp)"},
        {"index": "", "limits": ""},
    ],
    ids=["no such page", "no such heading", "no such picture", "a page without a place"],
)
def test_a_fault_of_the_pages_stops_the_build(tmp_path, pages) -> None:
    with pytest.raises(Abort):
        build_pages(tmp_path, faq=FAQ, **pages)


@pytest.mark.parametrize("figure", figures.figures(), ids=lambda figure: figure.name)
def test_a_figure_has_caption_formula_failure_signs_and_picture(figure) -> None:
    run = json.loads(figures.RUN.read_text())["figures"]
    assert figures.section(figure, run.get(figure.name), ["index.m"])
    text = "\n\n".join(figures.caption(figure.name))
    assert publish_string(text, settings_overrides={"halt_level": 2})  # as the report shows it


def test_pictures_are_of_figures_and_small() -> None:
    pictures = list(figures.GALLERY.glob("*.webp"))
    drawn = {figure.name for figure in figures.figures()} - set(figures.NOT_DRAWN)
    assert {picture.stem for picture in pictures} == drawn
    assert sum(picture.stat().st_size for picture in pictures) < 1.5e6


@pytest.mark.parametrize("missing", ["picture", "caption", "paragraph"])
def test_a_figure_without_one_of_them_stops_the_build(tmp_path, monkeypatch, missing) -> None:
    figure = figures.figures()[0]
    text = (figures.CAPTIONS / f"figure_{figure.name}.rst").read_text()
    if missing == "picture":
        monkeypatch.setattr(figures, "GALLERY", tmp_path)
    else:
        monkeypatch.setattr(figures, "CAPTIONS", tmp_path)
    if missing == "paragraph":
        (tmp_path / f"figure_{figure.name}.rst").write_text(text.partition("*Failure")[0])
    with pytest.raises(PluginError, match=f"{figure.name}|paragraphs"):
        figures.section(figure, {"file": "a", "columns": []}, [])


def test_a_key_without_words_stops_the_build() -> None:
    study = deepcopy(keys.schema())
    assert "Draws the starts." in keys.page_of(study, {})
    study["$defs"]["KMeans"]["properties"]["seed"]["description"] = ""
    with pytest.raises(PluginError, match=r"directions.methods.kmeans.seed: has no words"):
        keys.page_of(study, {})
