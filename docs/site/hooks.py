"""What `mkdocs build` does beyond mkdocs: pages that the code is the source of, and mathematics.

Whatever a page needs and can't find, a caption, a thumbnail, words on a key, stops the build.
"""

import html
import re
import sys
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from markdown.extensions.toc import slugify
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]
import claims  # noqa: E402
import figures  # noqa: E402
import house  # noqa: E402
import keys  # noqa: E402
import modules  # noqa: E402

# Where a page goes on with what is made.
MARK = "<!-- what follows is made by `make docs`, from the code -->"
MADE = {
    "gallery.md": figures.page,
    "config.md": keys.page,
    "claims_catalogue.md": claims.page,
    "modules.md": modules.page,
    "house.md": house.page,
}
# Pages at the root of the repository, whose links start there; all but the first take part.
ROOTED = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
AT_ROOT = {page: source for page, source in ROOTED.items() if (ROOT / source).is_file()}
FORMULA = re.compile(
    r'<(?:span|div) class="arithmatex">\\(?:\(|\[)(.*?)\\(?:\)|\])</(span|div)>', re.S
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give rooms of the library, and pages at the root, their places in the navigation."""
    for tab in config.nav:
        for number, entry in enumerate(pages := next(iter(tab.values()))):
            if entry == {"Modules": "modules.md"}:
                below = [{room: f"modules/{room}.md"} for room in modules.rooms()]
                pages[number] = {"Modules": [{"All": "modules.md"}, *below]}
    config.nav[-1]["Take part"] += [*AT_ROOT][1:]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made whole: those at the root, and one a room of the library."""
    made = {page: from_root(ROOT / source) for page, source in AT_ROOT.items()}
    made |= {f"modules/{room}.md": modules.room_page(room) for room in modules.rooms()}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Complete the pages whose end is made."""
    if MARK not in markdown:
        return markdown
    return markdown.replace(MARK, with_links(MADE[page.file.src_uri]()))


def with_links(text: str) -> str:
    """A text in which `methods §2` leads there."""
    headings = re.findall(r"^## (§(\d+).*)$", (ROOT / "docs/methods.md").read_text("utf-8"), re.M)
    anchors = {number: slugify(heading, "-") for heading, number in headings}
    return re.sub(
        r"methods (§\d+(?:, §\d+)*)",
        lambda found: (
            "methods "
            + re.sub(r"§(\d+)", lambda one: f"[{one[0]}](methods.md#{anchors[one[1]]})", found[1])
        ),
        text,
    )


def from_root(source: Path) -> str:
    """The text of a page at the root, its links as from `docs`."""
    text = source.read_text("utf-8").replace("](docs/", "](")
    for page, name in AT_ROOT.items():
        text = text.replace(f"]({name})", f"]({page})")
    return text


def on_page_content(html: str, **_: Any) -> str:
    """Formulas as MathML, which browsers draw by themselves."""
    return FORMULA.sub(as_mathml, html)


def as_mathml(found: re.Match) -> str:
    """A formula of LaTeX in MathML."""
    formula, tag = html.unescape(found[1]).strip(), found[2]
    return convert(formula, display="block" if tag == "div" else "inline")
