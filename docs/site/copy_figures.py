"""The pages' figures, and what the gallery says of a run, from a finished embedded default study.

Run as `python docs/site/copy_figures.py [results]` after `make` and `snakemake everything`: all is
written anew to docs.
"""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

from figures import GALLERY, NOT_DRAWN, Figure, figures
from PIL import Image
from workflow_rules import RUN, rules_in_order

FIGURES = ("exponents", "claims")
WIDTH, THUMBNAIL = 1600, 640  # pixels


def main() -> None:
    """Copy what is shown."""
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    folder = results / "figures/embedded-default"
    for name in FIGURES:
        picture = shrunk(folder / f"{name}.png", WIDTH).quantize(128)
        picture.save(Path("docs") / f"{name}.png", optimize=True)
    shown = {one: file_of(one, folder) for one in figures() if one.name not in NOT_DRAWN}
    for one, file in shown.items():
        shrunk(file, THUMBNAIL).save(GALLERY / f"{one.name}.webp", quality=60, method=6)
    run = {
        "figures": {one.name: {"file": f.stem, "columns": columns(f)} for one, f in shown.items()},
        "seconds": seconds(results / "benchmarks"),
    }
    RUN.write_text(json.dumps(run, indent=1) + "\n", "utf-8")


def shrunk(file: Path, width: int) -> Image.Image:
    """A picture at a width, or the one that it has where that is less."""
    with Image.open(file) as image:
        width = min(width, image.width)
        size = width, round(width * image.height / image.width)
        return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def file_of(figure: Figure, folder: Path) -> Path:
    """The picture of a figure, of the first run if there are several."""
    plain = folder / f"{figure.name}.png"
    return plain if plain.exists() else sorted(folder.glob(f"{figure.name}-*.png"))[0]


def columns(picture: Path) -> list[str]:
    """Columns of the table that a figure draws."""
    with picture.with_suffix(".csv").open(newline="") as table:
        return next(csv.reader(table))


def seconds(benchmarks: Path) -> dict[str, float]:
    """Wall seconds of all jobs of each rule together."""
    taken: Counter[str] = Counter()
    for file in sorted(benchmarks.rglob("*.jsonl")):
        place = file.relative_to(benchmarks).with_suffix("")
        taken[rule_of(place)] += json.loads(file.read_text().splitlines()[-1])["s"]
    return {rule: round(taken[rule], 1) for rule in rules_in_order() if rule in taken}


def rule_of(benchmark: Path) -> str:
    """The rule of a benchmark."""
    if benchmark.parts[0] == "figures":
        longest = max((f for f in figures() if f.fits(benchmark.name)), key=lambda f: len(f.name))
        return longest.rule
    return benchmark.parts[0].split("-")[0]


if __name__ == "__main__":
    main()
