"""People's answers in files of the published form, and how well margins predict them."""

from itertools import product
from pathlib import Path

import lpips
import numpy as np
import pandas as pd
import pytest
import torch
from judged import alone
from lpips_peer import random_lpips, trunk_state
from people_files import (
    BATCHES,
    CONDITION,
    OTHERS,
    UNITS,
    WRONG,
    answer,
    the_map,
    write_imagenet,
    write_map,
    write_responses,
)
from PIL import Image
from script_job import run_script
from sklearn.metrics import auc, roc_auc_score
from torchvision import transforms
from torchvision.models import alexnet

from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, SUPPORTED, positive
from codespectra.claims.measures.people import choices_predict_people
from codespectra.claims.measures.tables import Tables
from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.experiments import people, people_agreement
from codespectra.experiments.people import AS_PUBLISHED, TRIAL
from codespectra.experiments.people_agreement import agreement_table, margins, roc_curves
from codespectra.experiments.trial_images import IMAGES, find_images
from codespectra.interpretability.lpips_embedding import alexnet_backbone
from codespectra.models.checkpoints import write_checkpoint

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imagenet")
    write_imagenet(folder)
    return folder


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    rows = [(*unit, batch) for unit, batch in product(UNITS, BATCHES)]
    return pd.DataFrame(rows, columns=TRIAL)


def test_loader_keeps_the_real_answers_of_the_condition(tmp_path):
    path = write_responses(
        tmp_path,
        *OTHERS,
        answer(confidence=1),
        answer(layer="layer1_0_conv1", channel=3.0, batch=10.0, **WRONG),
        *OTHERS[::-1],
    )
    expected = pd.DataFrame(
        {
            "layer": ["layer3_4_conv1", "layer1_0_conv1"],
            "channel": [130, 3],
            "batch": [8, 10],
            "confidence": [1, 3],
            "correct": [True, False],
        }
    )
    found = people.read_responses(path, CONDITION)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert [found[name].dtype.kind for name in found][1:] == ["i", "i", "i", "b"]


def test_switched_queries_change_nothing(tmp_path):
    """`choice` says which query was chosen, not where it stood."""
    rows = [
        answer(switched_queries=switched, **said)
        for switched in (True, False)
        for said in ({}, WRONG)
    ]
    found = people.read_responses(write_responses(tmp_path, *rows), CONDITION)
    assert found["correct"].tolist() == [True, False] * 2


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([answer(choice="a"), answer(), answer(choice="b", correct=False)], "in 2 of 3 answers"),
        ([answer(task_id="resnet50_naturel-1")], "did you mean 'resnet50_naturel'"),
        ([answer(mode="optimized")], "people saw optimized images"),
        ([answer(), answer(channel=1.5)], "channel is 1.5, expected whole numbers"),
        ([answer(), answer(batch=None)], "batch is nan, expected whole numbers"),
        ([answer(), answer(correct=None)], "correct is nan, expected True or False"),
    ],
)
def test_loader_refuses_what_it_would_misread(tmp_path, rows, told):
    with pytest.raises(UserError, match=told):
        people.read_responses(write_responses(tmp_path, *rows), CONDITION)


@pytest.mark.parametrize("column", people.COLUMNS)
def test_loader_names_a_missing_column(tmp_path, column):
    row = answer()
    del row[column]
    with pytest.raises(UserError, match=f"lacks the columns {column};"):
        people.read_responses(write_responses(tmp_path, row), CONDITION)


def test_loader_names_a_missing_or_damaged_table(tmp_path):
    (tmp_path / "empty.csv").touch()
    for name in ("none.csv", "empty.csv"):
        with pytest.raises(UserError, match=f"{name}: not a readable table"):
            people.read_responses(tmp_path / name, CONDITION)


def test_images_of_a_trial_are_the_maps(tmp_path, imagenet, trials):
    content = the_map()
    found = find_images(trials, write_map(tmp_path, content), "resnet50", imagenet)
    assert len(found) == len(trials)
    names = content["resnet50"]["layer1_0_conv1/channel_41"]["batch_2"]
    assert found[3][:10] == [imagenet / names[f"max_{place}.png"] for place in range(10)]
    assert found[3][10:] == [imagenet / names[f"min_{place}.png"] for place in range(10)]


def test_positions_of_queries_and_references():
    assert [IMAGES[place] for place in people.QUERIES] == ["max_9.png", "min_9.png"]
    expected = [f"{kind}_{place}.png" for kind in ("max", "min") for place in range(9)]
    assert [IMAGES[place] for place in people.REFERENCES] == expected


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["resnet50"], r"'resnet50' is missing or empty; allowed: none"),
        (
            ["resnet50", "layer3_4_conv1/channel_3"],
            r"'layer3_4_conv1/channel_3' is missing or empty; did you mean",
        ),
        (["resnet50", "layer1_0_conv1/channel_3", "batch_2"], "channel_3: 'batch_2' is missing"),
        (
            ["resnet50", "layer1_0_conv1/channel_3", "batch_2", "min_9.png"],
            "batch_2: 'min_9.png' is missing",
        ),
    ],
)
def test_missing_keys_of_the_map_are_named(tmp_path, imagenet, trials, keys, told):
    content = the_map()
    inside = content
    for key in keys[:-1]:
        inside = inside[key]
    del inside[keys[-1]]
    with pytest.raises(UserError, match=told):
        find_images(trials, write_map(tmp_path, content), "resnet50", imagenet)


def test_a_model_without_images_is_named(tmp_path, imagenet, trials):
    with pytest.raises(UserError, match=r"'googlenet_hard85' is missing or empty.*resnet50"):
        find_images(trials, write_map(tmp_path, the_map()), "googlenet_hard85", imagenet)
    (tmp_path / "map.json").write_text("{")
    with pytest.raises(UserError, match=r"map\.json: can't be read as JSON"):
        find_images(trials, tmp_path / "map.json", "resnet50", imagenet)


def test_missing_images_are_named_and_counted(tmp_path, imagenet, trials):
    content = the_map()
    trial = content["resnet50"]["layer1_0_conv1/channel_41"]["batch_1"]
    trial["max_0.png"], trial["min_3.png"] = "n00000007/b.JPEG", "n00000007/a.JPEG"
    with pytest.raises(UserError, match=r"n00000007/a.JPEG: no such image; 2 of 27 are missing"):
        find_images(trials, write_map(tmp_path, content), "resnet50", imagenet)


@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (500, 333)), ("L", (240, 700)), ("CMYK", (300, 300))]
)
def test_images_are_as_people_saw_them(tmp_path, mode, size):
    """PIL's own steps; torchvision's chain; and without a crop where there is nothing to crop."""
    noise = np.random.default_rng(0).integers(256, size=(*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(tmp_path / "image.JPEG")
    image = Image.open(tmp_path / "image.JPEG").convert("RGB")
    width, height = (int(256 * side / min(size)) for side in size)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    shrunk = image.resize((width, height), Image.Resampling.BILINEAR)
    cut = shrunk.crop((left, top, left + 224, top + 224))
    chain = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    found = people.read_images([tmp_path / "image.JPEG"] * 2)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [np.asarray(cut)] * 2)
    np.testing.assert_array_equal(found[0], np.asarray(chain(image)))


def test_a_damaged_image_is_named(tmp_path):
    (tmp_path / "image.JPEG").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"image\.JPEG: not a readable image"):
        people.read_images([tmp_path / "image.JPEG"])


@pytest.fixture(scope="module")
def peer() -> lpips.LPIPS:
    return random_lpips()


def published_input(pixels: torch.Tensor) -> torch.Tensor:
    """As the published analysis prepared images for lpips, with normalize=False."""
    weights = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return weights(pixels)


@pytest.mark.parametrize("scaling", ["lpips", "as_published"])
def test_both_scalings_are_the_packages(peer, imagenet, scaling):
    backbone = alexnet_backbone(trunk_state(peer), CPU)
    if scaling == "as_published":
        backbone.preprocess = Preprocess(AS_PUBLISHED, CPU)
    images = people.read_images(sorted(imagenet.rglob("*.JPEG"))[:6])
    parts = backbone.embed(images)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() / 255
    if scaling == "as_published":
        pixels = published_input(pixels)
    with torch.no_grad():
        _, expected = peer(pixels[:3], pixels[3:], normalize=scaling == "lpips", retPerLayer=True)
    for rows, distances in zip(parts.values(), expected, strict=True):
        found = ((rows[:3] - rows[3:]) ** 2).sum(axis=1)
        np.testing.assert_allclose(found, distances.flatten(), rtol=1e-5)


def embedded(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {part: rng.normal(size=(20, 5)).astype(np.float32) for part in ("relu1", "relu2")}


def by_hand(distance: np.ndarray, sides: str, pool: str) -> float:
    """Eq. 2 from distances (20, 20) in the order of `IMAGES`, image by image."""

    def cost(query: int, references: range) -> float:
        found = [distance[query, reference] for reference in references]
        return min(found) if pool == "min" else sum(found) / len(found)

    largest, least = range(9), range(10, 19)
    towards = cost(19, largest) - cost(9, largest)
    if sides == "positive":
        return towards
    return towards + cost(9, least) - cost(19, least)


@pytest.mark.parametrize(("sides", "pool"), [*product(("positive", "both"), ("min", "mean"))])
def test_margins_are_eq_2(sides, pool):
    for seed in range(20):
        parts = embedded(seed)
        distances = {
            part: ((rows[:, None] - rows[None]).astype(float) ** 2).sum(axis=2)
            for part, rows in parts.items()
        }
        distances["all"] = sum(distances.values())
        found = margins(parts, sides, pool)
        assert list(found) == ["relu1", "relu2", "all"]
        for part, distance in distances.items():
            assert found[part] == pytest.approx(by_hand(distance, sides, pool), abs=1e-4)


@pytest.mark.parametrize(
    ("layer", "stage"),
    [
        *(("layer1_0_conv1", "layer1"), ("layer4_2_bn3", "layer4"), ("mixed4a_1x1", "mixed4")),
        *(
            ("visual_layer2_0_conv1", "layer2"),
            ("conv1", "conv1"),
            ("blocks_3_mlp_fc1", "blocks_3"),
        ),
        ("head", "head"),
    ],
)
def test_stages(layer, stage):
    assert people_agreement.stages(pd.Series([layer])).tolist() == [stage]


def made_answers(
    rng: np.random.Generator,
    *,
    units: int = 30,
    each: int = 12,
    effect: float = 0.0,
    unit_spread: float = 0.0,
) -> pd.DataFrame:
    """Answers that are right more often at larger margins, and more often for some units."""
    unit = np.repeat(np.arange(units), each)
    level = rng.normal(size=(2, units))[:, unit] * unit_spread
    value = level[0] + rng.normal(size=len(unit))
    right = 0.8 + level[1] + effect * value + rng.normal(size=len(unit)) > 0
    return pd.DataFrame(
        {
            "layer": np.where(unit % 2, "layer1_0_conv1", "layer2_0_conv1"),
            "channel": unit,
            "confidence": rng.integers(1, 4, size=len(unit)),
            "correct": right,
            "part": "all",
            "margin": value,
        }
    )


def of_everyone(table: pd.DataFrame) -> pd.Series:
    chosen = table[(table[["stage", "confidence", "part"]] == "all").all(axis=1)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_agreement_by_hand():
    """Right answers at margins 2, 1, -1; wrong ones at 1, -2: 4.5 of 6 pairs in order."""
    answers = pd.DataFrame(
        {
            "layer": "layer1_0_conv1",
            "channel": [0, 1, 2, 3, 4],
            "confidence": [3, 3, 1, 3, 3],
            "correct": [True, True, True, False, False],
            "part": "all",
            "margin": [2.0, 1.0, -1.0, 1.0, -2.0],
        }
    )
    table = agreement_table(answers, resamples=100, seed=0)
    assert table["stage"].tolist() == ["layer1"] * 3 + ["all"] * 3
    assert table["confidence"].tolist() == ["1", "3", "all"] * 2
    found = of_everyone(table)
    assert found["auc"] == pytest.approx(4.5 / 6)
    assert found[["n_responses", "n_units"]].tolist() == [5, 5]
    assert found["human_accuracy"] == found["insilico_accuracy"] == pytest.approx(0.6)
    assert found["agreement"] == pytest.approx(0.6)
    assert found["chance_agreement"] == pytest.approx(0.6**2 + 0.4**2)
    assert table.iloc[1]["auc"] == pytest.approx(3.5 / 4)
    assert np.isnan(table.iloc[0]["auc"])


@pytest.mark.parametrize(("wrong_units", "known"), [(1, False), (4, False), (5, True)])
def test_wrong_answers_of_few_units_give_no_interval(wrong_units, known):
    """Else resamples of one unit would pass for a narrow interval."""
    answers = made_answers(np.random.default_rng(0))
    answers["correct"] = ~answers["channel"].isin(range(wrong_units))
    found = of_everyone(agreement_table(answers, resamples=100, seed=0))
    assert np.isfinite(found["auc"])
    assert np.isfinite(found[["auc_low", "auc_high"]].astype(float)).all() == known
    assert np.isfinite(found["agreement_low"])


def test_a_margin_of_zero_chooses_the_min_query():
    answers = made_answers(np.random.default_rng(0)).assign(margin=0.0, correct=True)
    found = of_everyone(agreement_table(answers, resamples=100, seed=0))
    assert (found["insilico_accuracy"], found["agreement"]) == (0, 0)


def test_intervals_are_those_of_resampled_units():
    """Against answers gathered unit by unit, draw by draw, and scikit-learn's AUC of them."""
    draws, units = 150, 20
    answers = made_answers(np.random.default_rng(1), units=units, effect=0.5)
    answers["margin"] = answers["margin"].round(1)  # with ties
    answers = answers.sample(frac=0.7, random_state=0)  # units of several sizes
    rng = np.random.default_rng(7)
    areas, same = [], []
    # units in the table's order: by layer, then channel
    order = answers[people.UNIT].drop_duplicates().sort_values(people.UNIT)["channel"]
    by_unit = [answers[answers["channel"] == channel] for channel in order]
    for often in rng.multinomial(units, np.full(units, 1 / units), size=draws):
        drawn = pd.concat(by_unit[unit] for unit in np.repeat(np.arange(units), often))
        areas.append(roc_auc_score(drawn["correct"], drawn["margin"]))
        same.append((drawn["correct"] == (drawn["margin"] > 0)).mean())
    found = of_everyone(agreement_table(answers, resamples=draws, seed=7))
    for name, values in (("auc", areas), ("agreement", same)):
        expected = np.quantile(values, [0.025, 0.975])
        assert found[[f"{name}_low", f"{name}_high"]].tolist() == pytest.approx(list(expected))


def test_intervals_hold_chance_as_often_as_they_say():
    """Margins that tell units apart but not right from wrong: 95 % of intervals hold 0.5."""
    held, runs = 0, 80
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        answers = made_answers(rng, units=40, each=10, unit_spread=1).assign(confidence=3)
        found = of_everyone(agreement_table(answers, resamples=150, seed=0))
        held += found["auc_low"] < 0.5 < found["auc_high"]
    # three standard errors below .95, and not always
    assert 0.877 * runs < held < runs


def test_one_kind_of_answers_has_no_auc_and_no_curve():
    answers = made_answers(np.random.default_rng(0))
    answers.loc[answers["layer"] == "layer1_0_conv1", "correct"] = True
    table = agreement_table(answers, resamples=100, seed=0)
    of_first = table["stage"] == "layer1"
    assert table.loc[of_first, ["auc", "auc_low", "auc_high"]].isna().all(axis=None)
    assert np.isfinite(table.loc[~of_first, ["auc", "auc_low", "auc_high"]]).all(axis=None)
    assert "layer1" not in set(roc_curves(answers)["stage"])


def test_the_area_under_each_curve_is_its_auc():
    answers = made_answers(np.random.default_rng(3), effect=0.7)
    keys = ["stage", "confidence", "part"]
    areas = agreement_table(answers, resamples=100, seed=0).set_index(keys)["auc"]
    curves = roc_curves(answers).groupby(keys)
    assert curves.ngroups == len(areas) == 12
    for key, curve in curves:
        points = curve[["false_positive_rate", "true_positive_rate"]]
        assert points.iloc[0].tolist() == [0, 0]
        assert points.iloc[-1].tolist() == [1, 1]
        assert auc(*points.to_numpy().T) == pytest.approx(areas[key])


@pytest.mark.parametrize(
    ("effect", "verdict"), [(1.5, SUPPORTED), (0.0, INCONCLUSIVE), (-1.5, CONTRADICTED)]
)
def test_the_claim_finds_a_planted_effect_in_each_stage(effect, verdict):
    answers = made_answers(np.random.default_rng(4), units=60, effect=effect)
    table = agreement_table(answers, resamples=200, seed=0)
    table = table.assign(condition=CONDITION, backbone="lpips")
    found = list(choices_predict_people(Tables(resamples=100, seed=0, agreement=table)))
    assert [one.scope for one in found] == [
        f"{CONDITION}, {stage}, lpips all" for stage in ("layer1", "layer2")
    ]
    assert {alone(positive, one) for one in found} == {verdict}
    assert [one.n for one in found] == [30, 30]


def run_rules(folder: Path, imagenet: Path) -> None:
    cfg = {
        "condition": CONDITION,
        "model": "resnet50",
        "images": str(imagenet),
        "input_scaling": "as_published",
        "sides": "both",
        "pool": "min",
        "resamples": 100,
        "seed": 0,
        "backbone": {"name": "lpips", "kind": "random", "model": "backbone-lpips"},
        "responses": str(folder / "responses_main.csv"),
        "file_map": str(folder / "map.json"),
    }
    given = {"checkpoint_manifest": folder / "backbone.json"}
    tables = {name: folder / f"{name}.csv" for name in ("trials", "agreement", "curves")}
    run_script("compare_people", given, tables, cfg, config={"runtime": {"device": "cpu"}})
    drawn = {"agreement": tables["agreement"], "agreement_curves": tables["curves"]}
    figure = {form: folder / f"figure.{form}" for form in ("pdf", "png", "csv")}
    run_script("draw", drawn, figure, {"study": "test"}, figure="agreement.draw_agreement")


def test_the_rules_scripts_from_published_files_to_the_figure(tmp_path, imagenet, trials, peer):
    """Each distinct trial once; its margin against the package, pair by pair, as published."""
    trials = trials[::2]
    network = alexnet(weights=None)
    network.load_state_dict(trunk_state(peer), strict=False)
    description = {
        "architecture": {"name": "torchvision", "model": "alexnet"},
        "classes": 1000,
        "preprocessing": {"side": None, "mean": [0.5] * 3, "std": [0.25] * 3},
        "weights": "random",
    }
    write_checkpoint(tmp_path / "backbone.pt", network, description, {})
    files = find_images(trials, write_map(tmp_path, the_map()), "resnet50", imagenet)
    rows = [
        answer(layer=row.layer, channel=float(row.channel), batch=float(row.batch), **said)
        for row in trials.itertuples()
        for said in ({}, {"confidence": 1}, WRONG)
    ]
    write_responses(tmp_path, *OTHERS, *rows)
    run_rules(tmp_path, imagenet)

    found = pd.read_csv(tmp_path / "trials.csv")
    assert found.groupby(TRIAL).size().tolist() == [6] * len(trials)
    assert (found["choice"] == np.where(found["margin"] > 0, "max", "min")).all()
    pixels = torch.from_numpy(people.read_images(files[0])).permute(0, 3, 1, 2) / 255
    pixels = published_input(pixels)
    with torch.no_grad():
        both = [peer(pixels, pixels[[query]].expand(20, -1, -1, -1)).flatten() for query in (9, 19)]
    distance = np.zeros((20, 20))
    distance[[9, 19]] = [row.numpy() for row in both]
    margin = found.loc[found["part"] == "all", "margin"].iloc[0]
    assert margin == pytest.approx(by_hand(distance, "both", "min"), abs=1e-5 * distance.max())

    table = pd.read_csv(tmp_path / "agreement.csv")
    everyone = of_everyone(table)
    assert everyone[["n_responses", "n_units"]].tolist() == [len(rows), len(UNITS)]
    assert everyone["human_accuracy"] == pytest.approx(2 / 3)
    assert everyone["auc"] == 0.5  # the same right and wrong answers to every trial
    assert all((tmp_path / f"figure.{form}").stat().st_size > 1000 for form in ("pdf", "png"))
