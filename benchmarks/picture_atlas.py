"""The pages' pictures of the atlas, from that of a finished study, in headless Chromium.

Run as `PYTHONPATH=tests/helpers python benchmarks/picture_atlas.py results/atlas/embedded-default`,
after `make` and `snakemake atlas`: those that docs shows are written anew. With another folder
behind it every page is pictured there, for a desktop and a phone, in light and dark.
tests/install_debian.sh installs the browser.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from browser import Browser, chromium
from PIL import Image

DOCS = Path("docs")
# Width and height in pixels.
DESKTOP, TALL, PHONE = (1000, 940), (1000, 1300), (360, 900)
LIGHT, DARK = "light", "dark"
# Picture in docs -> page, size, themes side by side.
SHOWN = {
    "atlas_unit": ("unit", DESKTOP, (LIGHT,)),
    "atlas_run": ("run", TALL, (DARK,)),
    "atlas_layer": ("layer", DESKTOP, (LIGHT,)),
    "atlas_phone": ("unit", PHONE, (LIGHT, DARK)),
}
QUALITY = 80
# A layer's map of its directions.
MAP = ".ends canvas.scatter"
# What stays at the top hides 90 pixels.
IN_SIGHT = f"""
document.querySelector('{MAP}').closest('section').scrollIntoView();
window.scrollBy(0, -90);
"""
GAP = 12  # pixels between pictures side by side

# The first network's best unit of its last layer, of K-Means if there are any.
ADDRESSES = """
const { runs, texts } = store.catalogue;
const run = await store.run(runs[0].model, runs[0].stimuli), layer = run.layers.at(-1);
const method = run.methods.find((name) => name.startsWith("kmeans")) ?? run.methods[0];
const block = store.blockOf(run, layer, method);
const ii = [...run.columns.find((column) => column.metric).of(block)];
const best = ii.indexOf(Math.max(...ii.filter(Number.isFinite)));
const found = { home: "#/", claims: "#/claims", exponents: "#/exponents",
  run: address([run.model, run.stimuli]), layer: address([run.model, run.stimuli, layer]),
  unit: unitAddress(block, best) };
if (texts.length) {
  const [text] = texts, told = await atlas.load(`${text.path}/units.js`, `${text.path}/units`);
  found.texts = address([text.model, "text"]);
  found.text = textAddress(text.model, told.units[0]);
}
return found;
"""
# Everything that is drawn when it comes into sight.
DRAWN = """!document.querySelector('.picture:not([data-drawn])')
  || [...document.querySelectorAll('.picture:not([data-drawn])')]
    .every(box => box.getBoundingClientRect().top > innerHeight)"""


def main() -> None:
    index = Path(sys.argv[1]).resolve() / "index.html"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with chromium(index) as browser, tempfile.TemporaryDirectory() as scratch:
        browser.open("#/")
        addresses = browser.run(ADDRESSES)
        for name, page, size, themes in everything(addresses) if folder else docs():
            pictures = []
            for theme in themes:
                shot = Path(scratch) / "shot.png"
                take(browser, addresses[page], size, theme, shot)
                pictures.append(Image.open(shot).convert("RGB"))
            write(pictures, (folder or DOCS) / f"{name}.webp")


def docs() -> Iterator[tuple[str, str, tuple[int, int], tuple[str, ...]]]:
    """Name, page, size and themes of each picture that the documents show."""
    for name, (page, size, themes) in SHOWN.items():
        yield name, page, size, themes


def everything(addresses: dict[str, str]) -> Iterator[tuple[str, str, tuple[int, int], tuple[str]]]:
    """The same of every page in each look."""
    for page in addresses:
        for size in (DESKTOP, PHONE):
            for theme in (LIGHT, DARK):
                yield f"{page}-{size[0]}-{theme}", page, size, (theme,)


def take(browser: Browser, address: str, size: tuple[int, int], theme: str, file: Path) -> None:
    """A picture of what a window of this size shows of a page."""
    browser.size(*size)
    browser.open(address)
    browser.run(f"theme({theme!r})")
    if browser.driver.find_elements("css selector", MAP):
        select(browser)
    browser.wait(DRAWN)
    browser.screenshot(file)


def select(browser: Browser) -> None:
    """Scroll to a layer's maps, and drag a frame over the left third of the first."""
    from selenium.webdriver.common.action_chains import ActionChains

    browser.run(IN_SIGHT)
    canvas = browser.driver.find_element("css selector", MAP)
    right, down = canvas.size["width"] // 2 - 2, canvas.size["height"] // 2 - 2
    actions = ActionChains(browser.driver, duration=50)
    actions.move_to_element_with_offset(canvas, -right, -down).click_and_hold()
    actions.move_to_element_with_offset(canvas, -right // 3, down).release().perform()
    browser.run(IN_SIGHT)  # the page is longer by what is selected


def write(pictures: list[Image.Image], file: Path) -> None:
    """Side by side, as WebP."""
    width = sum(one.width + GAP for one in pictures) - GAP
    whole = Image.new("RGB", (width, pictures[0].height), "gray")
    for place, one in enumerate(pictures):
        whole.paste(one, (place * (one.width + GAP), 0))
    file.parent.mkdir(parents=True, exist_ok=True)
    whole.save(file, quality=QUALITY, method=6)
    print(f"{file}: {whole.width} x {whole.height} pixels, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
