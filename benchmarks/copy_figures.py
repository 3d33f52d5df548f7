"""The pages' figures, from a finished run of the embedded default study.

Run as `python benchmarks/copy_figures.py [results]`, after `make`: each is written anew to docs.
"""

import sys
from pathlib import Path

from PIL import Image

FIGURES = ("exponents", "claims")
WIDTH = 1600  # pixels


def main() -> None:
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    for name in FIGURES:
        with Image.open(results / f"figures/embedded-default/{name}.png") as image:
            size = WIDTH, round(WIDTH * image.height / image.width)
            colors = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(128)
            colors.save(Path("docs") / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
