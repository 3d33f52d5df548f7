"""A model with seeds is as many networks, which sections name together or one by one."""

from typing import Any

import pytest
from checked_plans import checked_plan, mistakes
from project import MINI, changed, read_config

from codespectra.study.implied import analyses, directions_runs, filter_runs, methods_of
from codespectra.study.seeds import first_of_each, replicates

CONFIG = read_config(MINI)
SEEDS = {"models.classifier.seeds": [4, 0], "models.untrained.seeds": [0, 1]}
NETWORKS = ["classifier-s4", "classifier-s0"]
TIMM = {"architecture": {"name": "timm", "model": "resnet18"}, "seeds": [0, 1]}


def study(changes: dict[str, Any]) -> Any:
    """The mini study with two seeds of its networks and other values at dotted paths."""
    return checked_plan(changed(CONFIG, SEEDS | changes)).study


def test_networks_differ_in_their_seed_and_their_name_alone() -> None:
    plain = checked_plan(CONFIG).study.models
    models = study({}).models
    assert [*models] == [*NETWORKS, "untrained-s0", "untrained-s1", "perceptual", "encoder"]
    for name, seed in zip(NETWORKS, (4, 0), strict=True):
        training = plain["classifier"].training.model_copy(update={"seed": seed})
        expected = plain["classifier"].model_copy(update={"training": training, "seeds": (seed,)})
        assert models[name] == expected
    assert models["untrained-s1"].seed == 1


def test_a_section_that_names_the_model_means_all_its_networks() -> None:
    found = study(
        {
            "spectra.stimuli": {"classifier": ["test"], "classifier-s0": ["tiles"]},
            "directions.layers": {"classifier": ["layer1"], "untrained": ["layer2"]},
            "interpretability.models": ["classifier"],
        }
    )
    assert analyses(found)["spectra"].runs == [(NETWORKS[0], "test"), (NETWORKS[1], "tiles")]
    assert analyses(found)["projections"].runs == [(name, "dot") for name in NETWORKS]
    assert found.directions.layers == {
        **dict.fromkeys(NETWORKS, ("layer1",)),
        **dict.fromkeys(("untrained-s0", "untrained-s1"), ("layer2",)),
    }
    assert found.interpretability.models == tuple(NETWORKS)
    assert found.robustness.attacks.models == tuple(NETWORKS)


def test_a_network_that_is_named_itself_has_a_run_of_its_own() -> None:
    runs = [
        {"model": "classifier-s0", "stimuli": "tiles"},
        {"model": "classifier", "stimuli": "tiles", "methods": ["neurons"]},
    ]
    changes = {"interpretability.models": ["classifier-s0"], "robustness": None}
    found = study({"directions.runs": runs} | changes)
    assert directions_runs(found) == [("classifier-s0", "tiles"), ("classifier-s4", "tiles")]
    assert methods_of(found, "classifier-s4", "tiles") == ["neurons"]
    assert len(methods_of(found, "classifier-s0", "tiles")) > 5


def test_an_untrained_language_model_is_like_the_first_seed_and_has_the_parts_of_all() -> None:
    layers = {"mlp": ["*.mlp.act"]}
    changes = {
        "language.models.gpt.seeds": [2, 3],
        "language.models.gpt_untrained.seeds": [0, 1],
        "language.parts": {"gpt": layers},
        "language.explanations.part": "mlp",
    }
    found = study(changes).language
    names = ["gpt-s2", "gpt-s3", "gpt_untrained-s0", "gpt_untrained-s1"]
    assert [*found.models] == names
    assert [found.models[name].training.seed for name in names[:2]] == [2, 3]
    untrained = [found.models[name] for name in names[2:]]
    assert [(one.like, one.seed) for one in untrained] == [("gpt-s2", 0), ("gpt-s2", 1)]
    assert all(found.parts_of(name) == {"mlp": ("*.mlp.act",)} for name in names)


def test_filters_are_those_of_the_first_seed() -> None:
    found = study({})
    assert filter_runs(found)[0].runs == [("classifier-s4", "test")]
    others = [("encoder", "test"), ("classifier-s0", "tiles")]
    runs = [(name, "test") for name in NETWORKS]
    assert first_of_each(found, runs + others) == [runs[0], *others]


def test_replicates_share_all_but_their_seed() -> None:
    found = replicates(study({"coding.seeds": [0, 3]}))
    assert found["classifier-s4"] == {"base": "classifier", "seed": 4}
    assert not {"perceptual", "encoder"} & {*found}
    swept = {name: one for name, one in found.items() if name.startswith("vae-")}
    assert {one["base"] for one in swept.values()} == {
        f"vae-dropout{dropout}{kind}" for dropout in ("0", "0.4") for kind in ("", "-recalibrated")
    }
    pairs = [(one["base"], one["seed"]) for one in found.values()]
    assert len({*pairs}) == len(pairs)


MISTAKES = {
    "a seed twice": ({"models.classifier.seeds": [1, 1]}, "models.classifier.seeds: 1 stands ther"),
    "no seed": ({"models.classifier.seeds": []}, "models.classifier.seeds: Value should have at l"),
    "a seed and seeds": (
        {"models.classifier.seeds": [0], "models.classifier.training.seed": 0},
        "models.classifier.seeds: beside training.seed, which they replace; leave one out",
    ),
    "an untrained one's": (
        {"models.untrained.seeds": [0], "models.untrained.seed": 0},
        "models.untrained.seeds: beside seed, which they replace; leave one out",
    ),
    "both of a language model": (
        {"language.models.gpt.seeds": [0], "language.models.gpt.training.seed": 0},
        "language.models.gpt.seeds: beside training.seed, which they replace; leave one out",
    ),
    "like a network that isn't there": (
        {"language.models.gpt.seeds": [0, 1], "language.models.gpt_untrained.like": "gtp"},
        "language.models.gpt_untrained.like: 'gtp' is unknown; did you mean 'gpt'? allowed: gpt",
    ),
    **{
        weights: ({"models.mine": TIMM | {"weights": weights} | fields}, "models.mine.seeds: unkn")
        for weights, fields in {
            "path": {"path": "mine.pt"},
            "package": {"package": "mine", "file": "mine.pt"},
            "hub": {"repository": "mine/mine", "file": "mine.pt"},
            "own": {},
            "torchvision": {},
        }.items()
    },
    "seeds in training": (
        {"models.classifier.training.seeds": [0]},
        "models.classifier.training.seeds: unknown key; only models with weights: train or random",
    ),
    "a model's name": (
        {"models.classifier.seeds": [0], "models.classifier-s0": CONFIG["models"]["encoder"]},
        "models.classifier.seeds: classifier-s0 is the name of a model too; take another",
    ),
    "a name of activations": (
        {"models.classifier.seeds": [0], "activations.classifier": {"file": "mine.npy"}},
        "models.classifier.seeds: classifier is the name of a set of activations too; take another",
    ),
    "a language model's name": (
        {
            "models.untrained.seeds": [0],
            "language.models.untrained-s0": {"weights": "random", "like": "gpt"},
        },
        "models.untrained.seeds: untrained-s0 is the name of a language model too; take another",
    ),
    "a backbone of several": (
        {"models.perceptual.seeds": [0, 1]},
        "backbones.inhouse.model: perceptual is 2 networks; name one, as perceptual-s0",
    ),
    "an encoder of several": (
        {"models.encoder.seeds": [7, 1]},
        "coding.encoder: encoder is 2 networks; name one, as encoder-s7",
    ),
    "a mistake of the model": (
        {"models.classifier.seeds": [0, 1], "models.classifier.training.train": "trian"},
        "models.classifier.training.train: 'trian' is unknown; did you mean 'train'?",
    ),
    "a mistake of its layers": (
        {"models.classifier.seeds": [0, 1], "projections.layers": ["leyer"]},
        "projections.layers for models.classifier: no layer matches 'leyer'",
    ),
    "no such network": (
        {"models.classifier.seeds": [0, 1], "projections.models": ["classifier-s7"]},
        "projections.models: 'classifier-s7' is unknown; did you mean 'classifier'? allowed: clas",
    ),
    "a run twice": (
        {"directions.runs": [{"model": "encoder", "stimuli": "tiles", "methods": ["neurons"]}] * 2},
        "directions.runs: ",
    ),
    "too many runs": (
        {
            "models.classifier.seeds": [*range(100)],
            "directions.runs": [
                {"model": "classifier", "stimuli": stimuli} for stimuli in CONFIG["stimuli"]
            ],
            "stimuli": {f"set{i}": CONFIG["stimuli"]["test"] for i in range(11)},
            "spectra.stimuli": [f"set{i}" for i in range(11)],
        },
        "spectra.models and stimuli: these make 1100, and 1000 are the most; name fewer",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line(name: str) -> None:
    changes, line = MISTAKES[name]
    (told,) = mistakes(changed(CONFIG, changes))
    assert told.startswith(f"config: {line}")


def test_a_model_of_fewer_networks_than_intervals_are_asked_over_is_refused() -> None:
    said = mistakes(changed(CONFIG, SEEDS | {"claims.networks": 2, "language": None}))
    asked = "config: claims.networks: 2 asks for intervals over as many networks, but {} is 1; give"
    swept = [f"vae-dropout{rate}{kind}" for rate in (0, 0.4) for kind in ("", "-recalibrated")]
    assert [line.rpartition(" it more")[0] for line in said] == [asked.format(n) for n in swept]
    assert not mistakes(
        changed(CONFIG, SEEDS | {"claims.networks": 2, "coding.seeds": [0, 1], "language": None})
    )
