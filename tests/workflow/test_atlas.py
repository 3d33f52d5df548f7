"""The atlas of the mini study in a browser, from its folder and without a network."""

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import h5py
import numpy as np
import pandas as pd
import pytest
from browser import Browser, chromium
from PIL import Image
from project import MINI, ROOT, Project

RUN = "#/classifier/tiles"
UNIT = f"{RUN}/layer2/kmeans-4/1"
LEFT, RIGHT = "\ue012", "\ue014"  # arrows, as WebDriver calls them


@pytest.fixture(scope="module")
def atlas(mini, tmp_path_factory) -> Project:
    """In a copy: other tests look at all that the study itself leaves behind."""
    project = mini.copy(tmp_path_factory.mktemp("atlas") / "project")
    done = project.snakemake("atlas", "--cores", "2")
    assert done.returncode == 0, done.stdout
    return project


@pytest.fixture(scope="module")
def index(atlas) -> Path:
    return atlas.folder / "results/atlas/mini/index.html"


@pytest.fixture(scope="module")
def opened(index) -> Iterator[Browser]:
    with chromium(index) as browser:
        yield browser


@pytest.fixture
def browser(opened) -> Iterator[Browser]:
    """Pages may complain of nothing, and ask for nothing outside their folder."""
    opened.requests(), opened.complaints()
    opened.size(1280)
    yield opened
    assert opened.complaints() == []
    folder = opened.index.parent.as_uri()
    assert [
        url for url in opened.requests() if not url.startswith((folder, "data:", "blob:"))
    ] == []


@pytest.fixture(scope="module")
def scores(atlas) -> pd.DataFrame:
    table = pd.read_csv(atlas.folder / "results/interpretability/classifier/tiles/directions.csv")
    return table[table["part"] == "all"]


def rerun(project: Project, study: str) -> set[str]:
    return {*project.would_run("atlas", study)}


def test_it_is_made_once(atlas):
    assert rerun(atlas, MINI) == set()


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"index.color": False}, {"score_interpretability", "describe_directions", "bind_atlas"}),
        ({"stimuli.tiles.seed": 5}, {"tile_images", "map_directions", "describe_directions"}),
    ],
)
def test_what_a_change_makes_again(atlas, change, rules):
    """A metric less or more rewrites no image and no map."""
    made = rerun(atlas, atlas.write_study(change))
    assert rules <= made
    if "index.color" in change:
        assert not made & {"tile_images", "map_directions", "place_directions"}


def test_every_page_opens_from_its_folder(browser):
    browser.open("#/")
    links = set(
        browser.run("return [...document.querySelectorAll('a[href^=\"#/\"]')].map(a => a.hash)")
    )
    assert {RUN, "#/claims", "#/marks", "#/help", "#/exponents", f"{RUN}/layer2"} <= links
    for link in sorted(links | {UNIT}):
        browser.go(link)
        assert browser.texts("h1") not in ([], ["Not here"]), link


NOTHING = {
    f"{RUN}/layer2/kmeans-4/99": "classifier on tiles has no unit 99 of kmeans-4 in layer2",
    f"{RUN}/layer2/kmeans-4/1.5": "classifier on tiles has no unit 1.5 of kmeans-4 in layer2",
    f"{RUN}/layer9": "classifier on tiles has no layer layer9",
    "#/nobody/tiles": "this atlas has no run nobody on tiles",
    "#/gpt/text/layer/neuron/0": "gpt has no explained unit 0 of neuron in layer",
    "#/a/b/c/d/e/f": "there is no such page",
}


@pytest.mark.parametrize("address", NOTHING)
def test_an_address_of_nothing_says_so(browser, address):
    browser.open(address)
    assert browser.texts("[role=alert]") == [NOTHING[address]]


def test_a_unit_s_page_has_the_numbers_of_the_tables(browser, scores):
    browser.open(UNIT)
    own = scores[(scores["layer"] == "layer2") & (scores["method"] == "kmeans-4")]
    shown = browser.run(
        "const rows = []; const save = download; download = (name, text) => rows.push(text);"
        "document.querySelector('.scores').closest('section').querySelector('button').click();"
        "download = save; return rows[0]"
    )
    for line in shown.splitlines()[1:]:
        metric, *numbers = line.split(",")
        row = own[(own["metric"] == metric) & (own["direction"] == 1)].iloc[0]
        ii, low, high, rank, live = map(float, numbers)
        np.testing.assert_allclose([ii, low, high], row[["ii", "low", "high"]].astype(float), 1e-6)
        values = own[own["metric"] == metric]["ii"]
        assert (rank, live) == ((values > row["ii"]).sum() + 1, values.notna().sum())
    assert len(browser.texts(".scores tbody tr")) == 3


def test_a_unit_s_page_has_its_further_scores(browser, atlas):
    table = pd.read_csv(atlas.folder / "results/interpretability/classifier/tiles/further.csv")
    own = table[(table["layer"] == "layer2") & (table["method"] == "kmeans-4")]
    names = {"mis": "MIS", "mis_limit": "MIS, steep"}
    browser.open(UNIT)
    shown = browser.run(
        "const rows = []; const save = download; download = (name, text) => rows.push(text);"
        "[...document.querySelectorAll('h2')].find(h => h.innerText === 'Experiments')"
        ".closest('section').querySelector('button').click(); download = save; return rows[0]"
    )
    found = pd.read_csv(io.StringIO(shown)).set_index("measure")["value"]
    rows = own[own["direction"] == 1]
    assert len(rows) == 2 * 3 + 4
    for row in rows.itertuples():
        value = found[f"{names.get(row.score, row.score)} ({row.metric})"]
        np.testing.assert_allclose(value, row.value, rtol=1e-6)


def test_its_images_are_the_most_exciting_ones(browser, atlas):
    with h5py.File(atlas.folder / "results/directions/classifier/tiles/kmeans-4.h5") as file:
        responses = file["layer2/responses"][:, 1]
    browser.open(UNIT)
    top, bottom = (
        browser.run(
            f"return [...document.querySelectorAll('.gallery')][{end}].innerText.split('\\n')"
            ".filter(Boolean)"
        )
        for end in (0, 1)
    )
    ranked = np.sort(responses)[::-1]
    np.testing.assert_allclose([float(v) for v in top[::2]], ranked[:9], rtol=5e-3)
    np.testing.assert_allclose([float(v) for v in bottom[::2]], ranked[::-1][:9], rtol=5e-3)
    shown = browser.run(
        "return [...document.querySelectorAll('.gallery .picture')].map(p => +p.dataset.image)"
    )
    np.testing.assert_array_equal(responses[shown[:9]], ranked[:9])
    np.testing.assert_array_equal(responses[shown[9:]], ranked[::-1][:9])
    assert len(browser.texts(".map")) == 9


def test_a_picture_is_that_of_its_number(browser, atlas):
    browser.open(UNIT)
    browser.run("const box = document.querySelector('input.overlay'); if (box.checked) box.click()")
    browser.wait("!document.querySelector('.gallery .picture:not([data-drawn])')")
    with h5py.File(atlas.folder / "results/stimuli/tiles.h5") as file:
        stimuli = file["images"][:].astype(int)
    for element in browser.driver.find_elements("css selector", ".gallery .picture")[:3]:
        picture = Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB").resize((32, 32))
        error = np.abs(stimuli - np.asarray(picture)).mean(axis=(1, 2, 3))
        assert error.argmin() == int(element.get_attribute("data-image")) and error.min() < 12


def rows_of(browser: Browser, title: str) -> pd.DataFrame:
    """What the CSV button of a section hands to the browser."""
    text = browser.run(
        "let text; const save = download; download = (name, content) => { text = content; };"
        "[...document.querySelectorAll('section')].find(part => part.querySelector('h2')"
        f"?.textContent === {json.dumps(title)}).querySelector('button').click();"
        "download = save; return text"
    )
    return pd.read_csv(io.StringIO(text))


@pytest.mark.parametrize("method", ["kmeans-4", "neurons"])
def test_a_direction_s_place_parts_and_loadings_are_those_of_tables(browser, atlas, method):
    browser.open(f"{RUN}/layer2/{method}/1")
    places = pd.read_csv(atlas.folder / "results/interpretability/classifier/tiles/places.csv")
    own = places.query("layer == 'layer2' and method == @method and direction == 1").iloc[0]
    shown = rows_of(browser, "Place in the spectrum")["value"]
    columns = ["variance_share", "ranks_1_10", "ranks_11_50", "ranks_51_200", "mean_rank"]
    np.testing.assert_allclose(shown, own[columns].astype(float), rtol=1e-6, atol=1e-9)
    table = pd.read_csv(atlas.folder / "results/interpretability/classifier/tiles/directions.csv")
    parts = table.query("layer == 'layer2' and method == @method and direction == 1")
    parts = parts[parts["part"] != "all"].set_index(["metric", "part"])["ii"]
    found = rows_of(browser, "II by part of the metric").set_index(["metric", "part"])["ii"]
    np.testing.assert_allclose(found, parts.loc[found.index], rtol=1e-6)
    assert len(found) == len(parts) == 5
    folder = atlas.folder / "results/directions/classifier/tiles"
    if method == "neurons":
        first = rows_of(browser, "Directions that it loads on").iloc[0]
        other, unit = (first["method"], int(first["direction"])), 1
    else:
        first = rows_of(browser, "Units that load on it").iloc[0]
        other, unit = (method, 1), int(first["unit"])
    with h5py.File(folder / f"{other[0]}.h5") as file:
        vector = file["layer2/vectors"][other[1]]
    assert first["weight"] == pytest.approx(vector[unit] / np.linalg.norm(vector), rel=1e-6)


def test_two_maps_have_one_selection(browser, atlas):
    from selenium.webdriver.common.action_chains import ActionChains

    def drag(canvas: int) -> None:
        element = browser.driver.find_elements("css selector", "canvas.scatter")[canvas]
        reach = element.size["width"] // 2 - 2, element.size["height"] // 2 - 2
        actions = ActionChains(browser.driver, duration=50)
        actions.move_to_element_with_offset(element, -reach[0], -reach[1]).click_and_hold()
        actions.move_to_element_with_offset(element, *reach).release().perform()

    folder = atlas.folder / "results/interpretability/classifier/tiles"
    images = pd.read_csv(folder / "manifold.csv").query("layer == 'layer2'")["image"]
    places = pd.read_csv(folder / "places.csv").query("layer == 'layer2'")
    firsts = pd.read_parquet(atlas.folder / "results/atlas/mini/exports/classifier/tiles.parquet")
    with_one = firsts.query("layer == 'layer2'")["images"].map(lambda own: set(own) & {*images})
    browser.open(f"{RUN}/layer2")
    browser.run("document.querySelector('canvas.scatter').scrollIntoView()")
    drag(1)
    browser.wait("document.querySelector('[role=status]').textContent !== ''")
    (told,) = browser.texts("[role=status]")
    assert told.startswith(f"{with_one.map(bool).sum()} selected; the first 60 are shown")
    drag(0)
    mapped = places["x"].notna().sum()
    browser.wait(f"document.querySelector('[role=status]').textContent.startsWith('{mapped} ')")
    assert len(browser.texts(".near.wide li")) == 60


def test_two_networks_are_shown_side_by_side(browser, atlas):
    browser.open(f"{RUN}/layer2/neurons/1?beside=runs%2Funtrained%2Ftest")
    with h5py.File(atlas.folder / "results/directions/untrained/test/neurons.h5") as file:
        strongest = file["layer2/responses"][:, 1].max()
    shown = browser.texts(".gallery figcaption b")[18:]
    assert len(shown) == 9 and float(shown[0]) == pytest.approx(strongest, rel=5e-3)
    browser.press(RIGHT)
    browser.wait("location.hash.endsWith('/2?beside=runs%2Funtrained%2Ftest')")
    browser.open(f"{RUN}?other=runs%2Funtrained%2Ftest&x=ii%3Acolor&y=ii%3Acolor")
    browser.wait("document.querySelectorAll('.chart path[stroke-dasharray]').length > 0")
    assert "runs/untrained/test" in browser.run(
        "return [...document.querySelectorAll('select')].map(select => select.value)"
    )


def test_seeds_of_a_network_are_told_together(index, tmp_path):
    shutil.copytree(index.parent, tmp_path / "atlas")
    catalogue = tmp_path / "atlas/page/catalogue.js"
    head, text = catalogue.read_text().split(",", 1)
    content = json.loads(text[:-3])
    (run,) = [one for one in content["runs"] if one["model"] == "classifier"]
    seeds = [f"small-s{seed}" for seed in range(5)]
    content["runs"] += [run | {"model": name, "path": f"runs/{name}/tiles"} for name in seeds]
    catalogue.write_text(f"{head},{json.dumps(content)});\n")
    with chromium(tmp_path / "atlas/index.html") as browser:
        browser.open("#/")
        assert browser.texts(".card h3")[:3] == [
            *("classifier on tiles", "untrained on test", "small on tiles")
        ]
        assert browser.texts(".card:nth-child(3) ul:first-of-type a") == seeds
        browser.open(UNIT)
        assert browser.texts("optgroup option") == [f"{name} on tiles" for name in seeds]


def test_a_scatter_follows_dark_and_light_and_its_width(browser):
    drawn = "document.querySelector('canvas.scatter').width"
    widths, shades = [], []
    browser.open(f"{RUN}/layer2")
    for width in (1280, 800):
        browser.size(width)
        browser.wait(f"{drawn} === document.querySelector('canvas.scatter').clientWidth")
        browser.press("d")
        picture = browser.run("return document.querySelector('canvas.scatter').toDataURL()")
        with urlopen(picture) as content:
            image = Image.open(io.BytesIO(content.read())).convert("L")
        widths.append(image.width)
        shades.append(image.getpixel((3, 3)))
    assert widths[0] > widths[1] and abs(shades[0] - shades[1]) > 150


def test_a_report_as_zip_holds_the_atlas(atlas, tmp_path):
    done = atlas.snakemake("atlas", "--report", str(tmp_path / "report.zip"))
    assert done.returncode == 0, done.stdout
    shutil.unpack_archive(tmp_path / "report.zip", tmp_path)
    (index,) = (tmp_path / "report").glob("data/raw/*/index.html")
    with chromium(index) as browser:
        browser.open(UNIT)
        browser.wait("!document.querySelector('.gallery .picture:not([data-drawn])')")
        assert browser.complaints() == []
    assert "under <em>Atlas</em>" in (tmp_path / "report/report.html").read_text()
    told = atlas.failure("atlas", "--report", str(tmp_path / "report.html"))
    assert "use store as zip" in told


def units(browser: Browser) -> list[list[str]]:
    return browser.run(
        "return [...document.querySelectorAll('.virtual tbody tr:not([aria-hidden])')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_the_table_sorts_and_filters(browser, scores):
    browser.open(f"{RUN}?method=neurons&layer=layer2&sort=-ii%3Acolor")
    browser.wait("document.querySelector('.virtual tbody td') !== null")
    own = scores[(scores["method"] == "neurons") & (scores["layer"] == "layer2")]
    own = own[own["metric"] == "color"].sort_values("ii", ascending=False, kind="stable")
    found = [int(row[0]) for row in units(browser)]
    assert found == own["direction"].to_list()[: len(found)]
    assert browser.texts("[role=status]") == [f"{len(own)} of 222 units"]
    browser.run(
        "[...document.querySelectorAll('.virtual th button')]"
        ".find(b => b.textContent === 'unit').click()"
    )
    assert [row[0] for row in units(browser)][:3] == ["0", "1", "2"]
    assert "sort=number" in browser.run("return location.hash")
    browser.open(f"{RUN}?q=kmeans-4+3")
    browser.wait("document.querySelector('.virtual tbody td') !== null")
    assert {(row[3], row[0]) for row in units(browser)} == {("kmeans-4", "3")}


def test_keys_walk_from_unit_to_unit_and_mark_them(browser):
    browser.open(UNIT)
    for key, number in ((RIGHT, 2), (LEFT, 1), (LEFT, 0)):
        browser.press(key)
        browser.wait(f"document.getElementById('main').dataset.address.endsWith('/{number}')")
    browser.press("m")
    browser.go("#/marks")
    assert any("kmeans-4 · 0" in text for text in browser.texts("main td a"))
    browser.click("main td button")
    browser.wait("!document.querySelector('main td')")


def test_search_finds_units_of_a_number_and_a_class(browser):
    browser.open(UNIT)
    browser.run("document.querySelector('#search input').value = '3'")
    browser.run("document.getElementById('search').requestSubmit()")
    browser.wait("location.hash.endsWith('/kmeans-4/3')")
    browser.run("document.querySelector('#search input').value = 'hubble'")
    browser.run("document.getElementById('search').requestSubmit()")
    browser.wait("document.querySelector('.virtual tbody td') !== null")
    assert {row[5] for row in units(browser)} == {"hubble"}


def test_claims_have_their_verdicts_and_lead_to_units(browser, atlas):
    files = ("claims_by_scope.csv", "claims-interpretability_by_scope.csv")
    tables = [pd.read_csv(atlas.folder / "results" / file) for file in files]
    claims = pd.concat(tables).query("verdict != 'not run'").drop_duplicates()
    browser.open("#/claims")
    assert len(browser.texts(".forest tbody tr")) == len(claims)
    verdicts = pd.Series(browser.texts(".forest .verdict")).value_counts().to_dict()
    assert verdicts == claims["verdict"].value_counts().to_dict()
    browser.click(".forest td a[href*='kmeans-4']")
    browser.wait("document.querySelector('.virtual tbody td') !== null")
    assert "classifier on tiles" in browser.texts("h1")


@pytest.mark.parametrize(
    "address", ["#/", RUN, UNIT, f"{RUN}/layer2/neurons/0", "#/gpt/text", "#/claims", "#/help"]
)
def test_nothing_is_wider_than_a_phone(browser, address):
    browser.size(360, 740)
    browser.open(address)
    assert browser.run("return document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_can_be_read_in_dark_and_light(browser, theme):
    browser.open(UNIT)
    browser.run(f"document.documentElement.dataset.theme = '{theme}'")
    text, page = (
        browser.run(
            f"return getComputedStyle(document.documentElement).{name}.match(/\\d+/g).map(Number)"
        )
        for name in ("color", "backgroundColor")
    )
    assert abs(np.mean(text[:3]) - np.mean(page[:3])) > 150


def test_names_with_html_in_them_stay_text(index, tmp_path):
    """Of classes, layers, methods and claims: whatever a shard says."""
    shutil.copytree(index.parent, tmp_path / "atlas")
    evil = "<img src=x onerror=document.title='gotcha'><b>&amp;</b>"
    images = tmp_path / "atlas/images/tiles/images.js"
    text = images.read_text()
    classes = json.loads(text[text.index("(") + 1 : -3].split(",", 1)[1])["classes"]
    images.write_text(
        text.replace(json.dumps(classes, separators=(",", ":")), json.dumps([evil] * 10))
    )
    for file in (
        tmp_path / "atlas/runs/classifier/tiles/run.js",
        tmp_path / "atlas/page/catalogue.js",
    ):
        told = json.dumps(evil)
        file.write_text(file.read_text().replace('"layer2"', told).replace('"neurons"', told))
    with chromium(tmp_path / "atlas/index.html") as browser:
        name = quote(evil, safe="!'()*~")
        for address in ("#/", RUN, f"{RUN}/{name}", f"{RUN}/{name}/{name}/0", "#/claims"):
            browser.open(address)
            assert browser.texts("h1") != ["Not here"]
            assert browser.run("return document.querySelectorAll('main img, main b b').length") == 0
            assert browser.driver.title != "gotcha"
        assert browser.complaints() == []
        browser.open(RUN)
        browser.wait("document.querySelector('.virtual tbody td') !== null")
        assert evil in {row[5] for row in units(browser)}


def test_an_explained_unit_of_a_language_model_has_its_contexts(browser, atlas):
    folder = atlas.folder / "results/explanations/gpt"
    scores = pd.read_csv(folder / "lookup.csv").iloc[0]
    record = json.loads((folder / "records.jsonl").read_text().splitlines()[0])
    browser.open(f"#/gpt/text/{scores['layer']}/{scores['kind']}/{scores['unit']}")
    (cells,) = browser.run(
        "return [...document.querySelectorAll('tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert cells[-1] == scores["explanation"]
    assert float(cells[1]) == pytest.approx(scores["score"], abs=5e-4)
    for cell, score in zip(cells[3:5], ("detection", "fuzzing"), strict=True):
        value, low, high = map(float, re.findall(r"[\d.]+", cell))
        assert value == pytest.approx(scores[score], abs=5e-3)
        assert low == pytest.approx(scores[f"{score}_low"], abs=5e-3) and high >= value
    first = record["most_positive_activation_records"][0]
    shown = browser.run("return document.querySelector('.context').textContent")
    assert shown == "".join(first["tokens"]).replace("\n", "⏎")


def test_the_documents_pictures_are_taken_by_one_command(index, tmp_path):
    shown = re.findall(r"\((atlas_\w+\.webp)\)", (ROOT / "docs/atlas.md").read_text())
    script = [sys.executable, ROOT / "benchmarks/picture_atlas.py", index.parent]
    with_helpers = os.environ | {"PYTHONPATH": str(ROOT / "tests/helpers")}
    subprocess.run(script, cwd=tmp_path, env=with_helpers, check=True)
    pictures = {file.name: Image.open(file).size for file in (tmp_path / "docs").iterdir()}
    assert set(pictures) == set(shown)
    assert pictures["atlas_unit.webp"][0] == 1000 and pictures["atlas_phone.webp"][0] > 2 * 360
    assert all(file.stat().st_size < 150_000 for file in (tmp_path / "docs").iterdir())


def test_the_table_of_a_run_has_every_direction(atlas, scores):
    table = pd.read_parquet(
        atlas.folder / "results/atlas/mini/exports/classifier/tiles.parquet"
    ).set_index(["layer", "method", "direction"])
    own = scores[scores["metric"] == "color"].set_index(table.index.names)["ii"].sort_index()
    np.testing.assert_array_equal(table["ii (color)"].sort_index(), own)
    places = pd.read_csv(atlas.folder / "results/interpretability/classifier/tiles/places.csv")
    places = places.set_index(table.index.names).sort_index()
    columns = {"map_x": "x", "map_y": "y", "mean_rank": "mean_rank"}
    found = table[[*columns]].rename(columns=columns).sort_index()
    pd.testing.assert_frame_equal(found, places[[*columns.values()]])
    further = pd.read_csv(atlas.folder / "results/interpretability/classifier/tiles/further.csv")
    own = further[(further["score"] == "monosemanticity") & (further["metric"] == "inhouse")]
    own = own.set_index(table.index.names)["value"].sort_index()
    np.testing.assert_array_equal(table["monosemanticity (inhouse)"].sort_index(), own)


def test_neuronpedia_s_files_say_what_records_and_explanations_say(atlas):
    folder = atlas.folder / "results/atlas/mini/exports/gpt/neuronpedia/0-mlp-neuron"
    features, activations, explanations = (
        pd.DataFrame(map(json.loads, gzip.decompress(file.read_bytes()).splitlines()))
        for file in (
            folder / name / "batch-0.jsonl.gz"
            for name in ("features", "activations", "explanations")
        )
    )
    for table in (features, activations, explanations):
        assert set(table["modelId"]) == {"gpt"} and set(table["layer"]) == {folder.name}
    made = atlas.folder / "results/explanations/gpt"
    scores = pd.read_csv(made / "lookup.csv").query("depth == 1 and kind == 'neuron'")
    assert features["index"].to_list() == scores["unit"].astype(str).to_list()
    assert explanations["description"].to_list() == scores["explanation"].to_list()
    assert explanations["id"].is_unique and activations["id"].is_unique
    records = [json.loads(line) for line in (made / "records.jsonl").read_text().splitlines()]
    (record,) = [
        one for one in records[:3] if one["neuron_id"]["neuron_index"] == int(features["index"][0])
    ]
    own = activations[activations["index"] == features["index"][0]]
    excerpts = record["most_positive_activation_records"] + record["random_sample"]
    assert own["tokens"].to_list() == [one["tokens"] for one in excerpts]
    assert own["values"].to_list() == [one["activations"] for one in excerpts]
    for row in own.itertuples():
        assert row.maxValue == max(row.values) == row.values[row.maxValueTokenIndex]
    assert features["maxActApprox"][0] == own["maxValue"][:8].max()


def test_a_study_without_directions_says_so(mini):
    gone = dict.fromkeys(("directions", "interpretability", "language", "robustness"))
    none = {"backbones": {}, "index.backbones": [], "figures.mei_methods": []}
    study = mini.write_study(gone | none)
    assert "config: directions: missing; the target atlas needs" in mini.failure(
        "atlas", "--dry-run", study=study
    )
