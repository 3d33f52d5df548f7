"""The gallery: every figure with its caption from the report, and what a run says of it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from mkdocs.exceptions import PluginError
from workflow_rules import RUN, matrix, rule_files

ROOT = Path(__file__).parents[2]
CAPTIONS = ROOT / "workflow/report"
GALLERY = ROOT / "docs/gallery"
# Of figures that the embedded default can't draw: why there is no picture.
NOT_DRAWN = {
    "agreement": "needs the published answers of people, which are your copy",
    "zoo": "a study of its own draws it, which [its page](zoo.md) shows",
}
# Categories that come first.
FIRST = ("Code", "Claims")
PARAGRAPHS = ("Formula", "Failure signs")
RULE = r"^use rule figure as (\w+) with:\n((?:(?:  .*)?\n)*)"


@dataclass(frozen=True)
class Figure:
    """A figure's name without what its file's name has of a run, its rule, category and title."""

    name: str
    rule: str
    category: str
    title: str

    def fits(self, file: str) -> bool:
        """Whether a file of this name is one of it."""
        return re.fullmatch(rf"(coding-)?{self.name}(-[\w-]+)?", file) is not None


@cache
def figures() -> tuple[Figure, ...]:
    """All figures in the order of their rules."""
    found = []
    for text in rule_files():
        for rule, body in re.findall(RULE, text, re.M):
            named = re.search(r'figure_files\("([^"]+)", (?:"([^"]+)", )?f?"([^"]+)"\)', body)
            if not named:
                raise PluginError(f"{rule}: its output isn't figure_files or run_figure_files")
            name, title = (re.sub(r"-?{\w+}", "", named[group]) for group in (1, 3))
            words = title.strip(" ,")
            found.append(Figure(name, rule, named[2] or "Interpretability", words))
    return tuple(found)


def page() -> str:
    """A section a figure, by category."""
    run = json.loads(RUN.read_text("utf-8"))["figures"]
    keys = keys_by_rule()
    text = []
    categories = dict.fromkeys(figure.category for figure in figures())
    for category in sorted(categories, key=lambda name: name not in FIRST):
        text.append(f"\n## {category}\n")
        text += [
            section(one, run.get(one.name), keys.get(one.rule, []))
            for one in figures()
            if one.category == category
        ]
    return "".join(text)


def section(figure: Figure, run: dict[str, Any] | None, keys: list[str]) -> str:
    """What a figure shows, how, from what, and when it can't be believed.

    Raises:
        PluginError: there is no caption, a paragraph of it, or no picture.
    """
    shows, *paragraphs = caption(figure.name)
    picture = f"![{figure.title}](gallery/{figure.name}.webp)"
    if figure.name in NOT_DRAWN:
        picture = f"*No picture: {NOT_DRAWN[figure.name]}.*"
    elif not (GALLERY / f"{figure.name}.webp").is_file() or run is None:
        raise PluginError(
            f"docs/gallery/{figure.name}.webp: isn't there; run docs/site/copy_figures.py"
        )
    facts = {"Keys": ", ".join(f"`{key}`" for key in keys)}
    if run:
        file = f"results/figures/embedded-default/{run['file']}.png"
        facts["Command"] = f"`snakemake {file}`"
        facts["Columns"] = ", ".join(f"`{column}`" for column in run["columns"])
    title = f"### `{figure.name}`: {figure.title} {{#{figure.name}}}"
    told = [f"*{name}*: {words}" for name, words in facts.items() if words]
    return "\n" + "\n\n".join([title, picture, shows, *paragraphs, *told]) + "\n"


def caption(name: str) -> list[str]:
    """The paragraphs of a figure's caption: what it shows, its formula, its failure signs.

    Raises:
        PluginError: there is none, or a paragraph isn't there.
    """
    file = CAPTIONS / f"figure_{name}.rst"
    if not file.is_file():
        raise PluginError(f"workflow/report/{file.name}: isn't there; a figure has a caption")
    text = jinja2.Template(file.read_text("utf-8")).render(snakemake=Told("snakemake"))
    paragraphs = text.strip().split("\n\n")
    if [one.split("*:")[0] for one in paragraphs[1:]] != [f"*{name}" for name in PARAGRAPHS]:
        raise PluginError(
            f"workflow/report/{file.name}: after what it shows come the paragraphs "
            + " and ".join(f"*{name}*: …" for name in PARAGRAPHS)
        )
    return paragraphs


class Told:
    """What a caption takes from a job, which here is its own name."""

    def __init__(self, name: str) -> None:
        """Its name."""
        self.name = name

    def __getattr__(self, name: str) -> "Told":
        """What it has under a name."""
        return Told(name)

    __getitem__ = __getattr__

    def __iter__(self) -> Iterator[str]:
        """As a list of one."""
        return iter([self.name])

    def __str__(self) -> str:
        """The name."""
        return self.name


# Sections whose next word is a name that the study chooses.
NAMED = ("stimuli", "models", "backbones")


def keys_by_rule() -> dict[str, list[str]]:
    """The keys whose change draws a figure anew, by its rule; a section in place of all its own."""
    rules_of: dict[str, set[str]] = {}
    for path, rules in matrix().items():
        section = path.partition(".")[0]
        key = section if section in NAMED else path
        if rules and path != "study":
            rules_of[key] = rules_of.get(key, set()) | rules
    found: dict[str, list[str]] = {}
    for figure in figures():
        reached = [key for key, rules in rules_of.items() if figure.rule in rules]
        found[figure.rule] = list(dict.fromkeys(_folded(key, reached, rules_of) for key in reached))
    return found


def _folded(key: str, reached: list[str], known: dict[str, set[str]]) -> str:
    """The widest section with the key all of whose keys are reached; or else the key."""
    parts = key.split(".")
    for count in range(1, len(parts)):
        section = ".".join(parts[:count])
        if all(one in reached for one in known if one.startswith(f"{section}.")):
            return section
    return key
