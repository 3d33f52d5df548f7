"""The rerun matrix: after a change, exactly the stages that depend on it run again."""

import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import numpy as np
import pytest
from dreamsim_weights import write_weights
from planned_jobs import Plan, edited, plans, rules_reaching, unasked_outputs
from project import MINI, SCRIPTS, Project, changed, copy_project, read_config

from codespectra.study.sections.study import load_study

# The interpretability study, by what its stages follow from.
JUDGED = {"judge_claims", "draw_claims"}
HALVED = {"score_halves", "draw_index_panels", *JUDGED}
TRIED = {"simulate_psychophysics", "draw_psychophysics", "draw_trial", *JUDGED}
MAPPED = {"embed_manifold", "draw_manifold", *JUDGED}
COACTIVE = {"measure_coactivation", "draw_coactivation", *JUDGED}
SENSITIVE = {"measure_sensitivity", "draw_sensitivity", *JUDGED}
FURTHER = {"score_further", "draw_score_agreement", *JUDGED}
PAIRED = {"score_synergies", "draw_synergy", "draw_pairs", *JUDGED}
# The robustness study.
ATTACKED = {"attack_networks", "draw_attacks", *JUDGED}
STABLE = {"measure_stability", "draw_stability", *JUDGED}
# Of directions, and of the units alone.
OF_DIRECTIONS = TRIED | MAPPED | SENSITIVE | STABLE
OF_UNITS = COACTIVE | PAIRED
# Stages by what they follow from.
COMPARED = {"draw_controls", "draw_autoencoders", "draw_index_panels"}
SCORED = {"draw_index", "draw_exciting_images", *JUDGED} | COMPARED | HALVED | FURTHER
SCORES = {"score_interpretability"} | SCORED
DIRECTED = SCORES | OF_DIRECTIONS | OF_UNITS
OF_SPECTRA = {"draw_spectra", "draw_exponents", "draw_windows", "draw_action", *JUDGED}
SPECTRAL = OF_SPECTRA | {"draw_attacks"}
PROJECTED = {"draw_trajectories", "draw_action", *JUDGED}
TRAINED_CODES = {"train_autoencoder", "train_autoencoder_grid"}
FOUND = {"find_directions"} | TRAINED_CODES | DIRECTED
# One method changes: the units stay, and what only looks at K-Means, unless it is that.
METHOD = {"find_directions"} | SCORES
CENTROIDS = METHOD | OF_DIRECTIONS
AUTOENCODERS = TRAINED_CODES | SCORES
FILTERED = {"compute_filters", "draw_filters"}
CAPTURED = {"fit_spectra", "project_dot"} | FOUND | SPECTRAL | FILTERED | PROJECTED
SHOWN = {"capture_activations"} | CAPTURED
# The same in the coding study.
SWEPT_SPECTRA = {"draw_dropout", "draw_dropout_spectra"}
CROSSED = {"cross_validate_spectra", "draw_cross_validated"}
FITTED = {"fit_spectra"} | SPECTRAL | SWEPT_SPECTRA
MOVED = {"project_dot", "draw_dropout"} | PROJECTED
# The figure of windows shows the main job's networks alone.
SWEPT = ({"capture_activations"} | FITTED | MOVED | CROSSED | FILTERED) - {"draw_windows"}
VAES = {"train_vae", "recalibrate_statistics"} | SWEPT | ATTACKED
ENCODER = {"train_classifier"} | VAES
# And in the theory study.
TOYS = {"train_superposition", "draw_superposition", *JUDGED}
CHANNEL = {"compute_channel", "draw_channel", *JUDGED}
INFORMATION = {"estimate_information", "draw_information", *JUDGED}
PLANTED = {"recover_planted", "draw_planted", *JUDGED}
HARDNESS = {"decode_exponentials", "draw_hardness", *JUDGED}
# And in the language study.
TEXT_SPECTRA = {"fit_text_spectra", "draw_text_spectra", "draw_text_exponents", *JUDGED}
TEXT_MOVED = {"project_text", "draw_text_action", "draw_passage"}
EXPLAINED = {"explain_by_lookup", "draw_explanations", "draw_detection", *JUDGED}
RECORDS = {"collect_records"} | EXPLAINED
TOKENS = {"capture_text"} | TEXT_SPECTRA | TEXT_MOVED | RECORDS
DRAWN_OF_TEXT = {"draw_text_spectra", "draw_text_exponents", "draw_text_action", "draw_passage"}
# The untrained model has the trained one's architecture and tokenizer.
UNTRAINED_GPT = {"initialise_language_model"} | TOKENS
GPT = {"train_language_model"} | UNTRAINED_GPT
TEXT = {"make_text"} | GPT

# Figures that show a statistic of the claims with its interval.
WITH_MEASURES = {"draw_coactivation", "draw_manifold", "draw_sensitivity", *JUDGED}
WITH_EVIDENCE = WITH_MEASURES | {"draw_detection"}
# And those that take one from the claims' own code.
OF_CLAIMS = WITH_MEASURES | {"draw_attacks", "draw_stability"}

EVERYTHING = SHOWN | SWEPT | TOYS | CHANNEL | INFORMATION | PLANTED | HARDNESS | TOKENS | ATTACKED
DRAWN = {rule for rule in EVERYTHING if rule.startswith("draw_")}
TRAINED_ON = {"make_stimuli", "train_classifier", "embed_stimuli"} | SHOWN | VAES
CLASSIFIER = {"train_classifier"} | SHOWN | ATTACKED
# Networks of images, built afresh or from a checkpoint.
BUILT = {"initialise_checkpoint", "embed_stimuli"} | CLASSIFIER | ENCODER
# A control set: scored and drawn, but no part of the interpretability study.
CONTROL = {"find_directions", "train_autoencoder", "score_interpretability"} | {
    *("draw_index", "draw_exciting_images", *JUDGED),
}
UNTRAINED = {"initialise_checkpoint", "capture_activations"} | CONTROL
PERCEPTUAL = {"train_classifier", "embed_stimuli"} | DIRECTED
TILES = {"make_stimuli", "capture_activations", "embed_stimuli"} | FOUND
DOT = {"make_stimuli", "capture_activations"} | MOVED
EMBEDDED = {"embed_stimuli"} | DIRECTED

TRAINED = CLASSIFIER | PERCEPTUAL | ENCODER | GPT

# New values of keys that several sections have.
CROPS = {"side": 36, "crops": [32], "block": 110, "test_share": 0.3, "seed": 5}
RESNET = {
    "architecture.width": 5,
    "architecture.blocks": [1, 2, 1, 1],
    "architecture.stem_stride": 1,
}
ALEXNET = {"architecture.widths": [4, 6, 8, 6, 5]}
SEEING = {
    "preprocessing.side": 40,
    "preprocessing.resize": 48,
    "preprocessing.interpolation": "bicubic",
    "preprocessing.mean": [0.4, 0.5, 0.5],
    "preprocessing.std": [0.2, 0.25, 0.25],
}
NETWORK = SEEING | {"classes": 11}
TRAINING = {
    "training.train": "test",
    "training.test": "train",
    "training.epochs": 2,
    "training.batch": 30,
    "training.learning_rate": 0.001,
    "training.weight_decay": 0.1,
    "training.crop_padding": 1,
    "training.seed": 5,
}


def rows(section: str, values: dict[str, Any], rules: set[str]) -> dict[str, tuple[Any, set[str]]]:
    """Rows of the matrix: keys of a section that run the same again."""
    return {f"{section}.{key}": (value, rules) for key, value in values.items()}


# Each leaf of the mini study's config (lists are leaves), a new value, and what must run again.
MATRIX: dict[str, tuple[Any, set[str]]] = {
    "study": ("renamed", DRAWN),
    "runtime.device": ("cpu", set()),
    "runtime.batch": (64, set()),
    "runtime.sequences": (7, set()),
    **rows("stimuli.train", {"split": "test", "per_class": 13} | CROPS, TRAINED_ON),
    **rows("stimuli.test", {"split": "train", "per_class": 7} | CROPS, TRAINED_ON),
    "stimuli.tiles.pitch": (44, TILES),
    "stimuli.tiles.side": (36, TILES),
    "stimuli.tiles.max_per_class": (9, TILES),
    "stimuli.tiles.min_contrast": (0.05, TILES),
    "stimuli.tiles.seed": (5, TILES),
    "stimuli.dot.frames": (20, DOT),
    "stimuli.dot.side": (36, DOT),
    "stimuli.dot.orbit": (0.2, DOT),
    "stimuli.dot.radius": (0.2, DOT),
    "stimuli.dot.color": ([1.0, 0.0, 0.0], DOT),
    "stimuli.dot.background": ([0.0, 0.0, 1.0], DOT),
    **rows("models.classifier", RESNET | SEEING | TRAINING, CLASSIFIER),
    **rows("models.untrained", RESNET | NETWORK | {"seed": 5}, UNTRAINED),
    **rows("models.perceptual", ALEXNET | NETWORK | TRAINING, PERCEPTUAL),
    **rows("models.encoder", RESNET | NETWORK | TRAINING, ENCODER),
    # Other names, which is other networks; of one seed alone one may be an encoder or a backbone.
    "models.classifier.seeds": ([0, 1], CLASSIFIER | {"draw_size"}),
    "models.untrained.seeds": ([5], UNTRAINED),
    "models.perceptual.seeds": ([5], PERCEPTUAL),
    "models.encoder.seeds": ([5], ENCODER),
    # The accuracy that one capture must find: only that capture, and what hangs on it.
    "models.classifier.expected_accuracy": (
        {"test": 0.1},
        {"capture_activations", "fit_spectra"} | SPECTRAL | FILTERED,
    ),
    "models.untrained.expected_accuracy": ({"test": 0.1}, {"capture_activations"} | CONTROL),
    # The perceptual network and the encoder are captured nowhere.
    "models.perceptual.expected_accuracy": ({"test": 0.1}, set()),
    "models.encoder.expected_accuracy": ({"test": 0.1}, set()),
    "capture.dtype": ("float16", SHOWN | SWEPT | TOKENS),
    "capture.precision": ("bfloat16", SHOWN | SWEPT | TOKENS),
    "capture.compile": (True, SHOWN | SWEPT | TOKENS),
    "capture.shards": (3, set()),
    # A model more: only what it adds, and what draws all models together.
    "spectra.models": (
        ["classifier", "encoder"],
        {"capture_activations", "fit_spectra", "draw_size"} | OF_SPECTRA | FILTERED,
    ),
    "spectra.stimuli": (
        ["train"],
        {"capture_activations", "fit_spectra"} | SPECTRAL | FILTERED | ATTACKED,
    ),
    # Filters are of layers that stand, in the file in which they stand.
    "spectra.layers": (["relu", "layer1*"], {"capture_activations", "fit_spectra"} | SPECTRAL),
    "spectra.reduction": ("none", {"capture_activations"} | FITTED | CROSSED | FILTERED),
    "spectra.solver": ("randomized", FITTED | CROSSED | FILTERED | TEXT_SPECTRA),
    "spectra.components": (40, FITTED | CROSSED | TEXT_SPECTRA),
    # Nothing is trained or captured again.
    "spectra.ranks": ([3, 12], FITTED | CROSSED | TEXT_SPECTRA),
    "spectra.resamples": (25, FITTED | CROSSED | TEXT_SPECTRA | ATTACKED),
    "spectra.resampled": ("stimuli", FITTED | ATTACKED),
    # Those that so few stimuli are enough for; without windows there is no figure of them.
    "spectra.estimators": (
        ["participation_ratio", "stringer"],
        (FITTED | CROSSED | TEXT_SPECTRA) - {"draw_windows"},
    ),
    "spectra.swaps": (3, CROSSED),
    "spectra.seed": (5, FITTED | CROSSED | FILTERED | TEXT_SPECTRA | ATTACKED),
    "filters.layers": (["layer1*:1"], FILTERED),
    "filters.ranks": ([1, 3], FILTERED),
    "filters.images": (9, FILTERED),
    "projections.models": (
        ["classifier", "untrained"],
        {"capture_activations", "project_dot"} | PROJECTED,
    ),
    # A layer less: what is captured stays.
    "projections.layers": (["relu"], {"project_dot"} | PROJECTED),
    "projections.reduction": ("stride", {"capture_activations"} | MOVED),
    "projections.draws": (60, MOVED | TEXT_MOVED | RECORDS),
    "projections.keep": (3, MOVED | TEXT_MOVED),
    "projections.read_out": ("correlation", MOVED),
    "projections.seed": (5, MOVED | TEXT_MOVED),
    # Without the untrained run only what draws all runs together changes.
    "directions.runs": (
        [{"model": "classifier", "stimuli": "tiles"}],
        {"draw_index", *JUDGED},
    ),
    # The interpretability study is of other runs: what the main job computed stays.
    "directions.analysis_set": (
        "test",
        {"train_autoencoder_grid", "score_interpretability"}
        | (HALVED | COMPARED | FURTHER | OF_DIRECTIONS | OF_UNITS),
    ),
    # The only run on the analysis set is the classifier's: nothing is left to study.
    "interpretability.models": (["untrained"], {"draw_controls", *JUDGED}),
    "directions.layers": (["layer1"], FOUND),
    "directions.methods.pca.k": (4, METHOD),
    "directions.methods.ica.k": (4, METHOD),
    "directions.methods.ica.iterations": (60, METHOD),
    "directions.methods.ica.seed": (5, METHOD),
    "directions.methods.nmf.k": (4, METHOD),
    "directions.methods.nmf.iterations": (60, METHOD),
    "directions.methods.nmf.seed": (5, METHOD),
    # A new K refits one clustering; nothing else looks at that one.
    "directions.methods.kmeans.k": ([4, 7], METHOD),
    "directions.methods.kmeans.starts": (2, CENTROIDS),
    "directions.methods.kmeans.readout": ("dot", CENTROIDS),
    "directions.methods.kmeans.seed": (5, CENTROIDS),
    "directions.methods.kmeans_identity.readout": ("dot", METHOD),
    "directions.methods.kmeans_code.k": ([5], METHOD),
    "directions.methods.kmeans_code.starts": (2, METHOD),
    "directions.methods.kmeans_code.seed": (5, METHOD),
    # The grid has sizes and penalties of its own.
    "directions.methods.sae.z": (["3x"], AUTOENCODERS - {"train_autoencoder_grid"}),
    "directions.methods.sae.l1": ([0.2], AUTOENCODERS - {"train_autoencoder_grid"}),
    "directions.methods.sae.epochs": (3, AUTOENCODERS),
    "directions.methods.sae.batch": (30, AUTOENCODERS),
    "directions.methods.sae.learning_rate": (0.01, AUTOENCODERS),
    "directions.methods.sae.seed": (5, AUTOENCODERS),
    "directions.methods.random.k": (6, METHOD),
    "directions.methods.random.seed": (5, METHOD),
    "directions.methods.exemplar.k": (6, METHOD),
    "directions.methods.exemplar.seed": (5, METHOD),
    "backbones.inhouse.model": ("perceptual", set()),
    "backbones.inhouse.layers": (["features.[0-3]"], EMBEDDED),
    "index.m": (4, DIRECTED),
    "index.normalisation": ("code", DIRECTED),
    "index.color": (False, DIRECTED),
    "index.label": (False, DIRECTED),
    "index.backbones": ([], DIRECTED),
    "index.resamples": (25, SCORES | STABLE),
    "index.resampled": ("stimuli", SCORES | STABLE),
    "index.seed": (5, SCORES | STABLE),
    # Nothing is captured, embedded or fitted again.
    "interpretability.psychophysics.methods": (["neurons"], TRIED),
    "interpretability.psychophysics.difficulties": ([0, 0.1], TRIED),
    "interpretability.psychophysics.trials": (4, TRIED),
    "interpretability.psychophysics.references": (3, TRIED),
    "interpretability.psychophysics.restrict": ("queries", TRIED),
    "interpretability.psychophysics.sides": ("positive", TRIED),
    "interpretability.psychophysics.pool": ("mean", TRIED),
    "interpretability.psychophysics.seed": (5, TRIED),
    # A score reruns neither the index nor the trials.
    **rows(
        "interpretability.further_scores",
        {"references": 3, "trials": 4, "slope": 1.0, "top": 5, "resamples": 25, "seed": 5},
        FURTHER,
    ),
    "interpretability.manifold.methods": (["neurons"], MAPPED),
    "interpretability.manifold.perplexity": (3, MAPPED),
    "interpretability.manifold.temperature": (1, MAPPED),
    "interpretability.manifold.seed": (5, MAPPED),
    "interpretability.sensitivity.method": ("kmeans-0.5x", SENSITIVE),
    "interpretability.sensitivity.first": (-1, SENSITIVE),
    "interpretability.sensitivity.last": (2, SENSITIVE),
    "interpretability.sensitivity.steps": (7, SENSITIVE),
    "interpretability.autoencoders.z": (
        ["1x"],
        {"score_interpretability", "draw_autoencoders", *JUDGED},
    ),
    "interpretability.autoencoders.l1": (
        [0.01, 0.2],
        {"train_autoencoder_grid", "score_interpretability", "draw_autoencoders", *JUDGED},
    ),
    "coding.encoder": ("classifier", VAES),
    "coding.hidden": ([12, 14], VAES),
    "coding.latent": (5, VAES),
    "coding.dropout_sites": ("stage", VAES),
    # The first network, whose filters are shown, stays as it is.
    "coding.dropouts": ([0, 0.5], VAES - FILTERED),
    "coding.seeds": (
        [0, 1],
        {"train_vae", "recalibrate_statistics", "capture_activations", "fit_spectra", "project_dot"}
        | SWEPT_SPECTRA
        | ATTACKED
        | {"draw_cross_validated"},
    ),
    "coding.training.train": ("test", VAES),
    "coding.training.test": ("tiles", VAES),
    "coding.training.epochs": (2, VAES),
    "coding.training.batch": (30, VAES),
    "coding.training.learning_rate": (0.01, VAES),
    "coding.training.loss": ("code", VAES),
    "coding.training.kld_weight": (0.5, VAES),
    "coding.stimuli": (
        "train",
        ({"capture_activations"} | FITTED | CROSSED | FILTERED | ATTACKED) - {"draw_windows"},
    ),
    "coding.layers": (["resnet.[24]*"], SWEPT),
    "coding.filters": (["resnet.4*:0"], FILTERED),
    "language.text.test_share": (0.05, TEXT),
    "language.models.gpt.architecture.width": (16, GPT),
    "language.models.gpt.architecture.layers": (5, GPT),
    "language.models.gpt.architecture.heads": (4, GPT),
    "language.models.gpt.architecture.context": (30, GPT),
    "language.models.gpt.training.steps": (4, GPT),
    "language.models.gpt.training.batch": (5, GPT),
    "language.models.gpt.training.learning_rate": (0.01, GPT),
    "language.models.gpt.training.seed": (5, GPT),
    "language.models.gpt_untrained.seed": (5, UNTRAINED_GPT),
    "language.models.gpt.seeds": ([5], GPT),
    "language.models.gpt_untrained.seeds": ([0, 1], UNTRAINED_GPT),
    "language.parts.mlp": (["*.mlp.c_fc"], TOKENS),
    # The units that are explained are of the other part.
    "language.parts.residual": (["transformer.h.[12]"], TOKENS - RECORDS | JUDGED),
    "language.sequences": (25, TOKENS),
    "language.length": (18, TOKENS),
    "language.seed": (5, TOKENS),
    "language.special_tokens": (True, TOKENS),
    "language.passage": (1, TEXT_MOVED),
    # Nothing is captured again.
    "language.explanations.part": ("residual", RECORDS),
    "language.explanations.units": (4, RECORDS),
    "language.explanations.top": (9, RECORDS),
    "language.explanations.random": (9, RECORDS),
    "language.explanations.seed": (5, RECORDS),
    "language.explanations.explainers.lookup.smoothing": (2.0, EXPLAINED),
    "language.explanations.explainers.lookup.bigram": (True, EXPLAINED),
    "theory.superposition.features": (12, TOYS),
    "theory.superposition.hidden": (4, TOYS),
    "theory.superposition.densities": (6, TOYS),
    "theory.superposition.least_density": (0.1, TOYS),
    "theory.superposition.seeds": ([0, 2], TOYS),
    "theory.superposition.steps": (30, TOYS),
    "theory.superposition.batch": (20, TOYS),
    "theory.superposition.learning_rate": (0.02, TOYS),
    "theory.superposition.entropy_bits": ([8], TOYS),
    "theory.channel.dropouts": ([0.3], CHANNEL),
    "theory.channel.capacity_bits": ([2], CHANNEL),
    "theory.channel.layers": (5, CHANNEL),
    "theory.information.depth": (4, INFORMATION),
    "theory.information.width": (9, INFORMATION),
    "theory.information.inputs": (1, INFORMATION),
    "theory.information.dropout": (0.3, INFORMATION),
    "theory.information.seeds": ([0, 2], INFORMATION),
    "theory.information.training_steps": (6, INFORMATION),
    "theory.information.training_batch": (20, INFORMATION),
    "theory.information.learning_rate": (0.01, INFORMATION),
    "theory.information.estimator_width": (5, INFORMATION),
    "theory.information.estimator_steps": (6, INFORMATION),
    "theory.information.estimator_batch": (70, INFORMATION),
    "theory.information.estimator_contrast": (8, INFORMATION),
    "theory.information.estimator_learning_rate": (0.02, INFORMATION),
    "theory.planted.features": (9, PLANTED),
    "theory.planted.units": (5, PLANTED),
    "theory.planted.rows": (70, PLANTED),
    "theory.planted.sizes": ([7], PLANTED),
    "theory.planted.densities": ([0.2], PLANTED),
    "theory.planted.noises": ([0.1], PLANTED),
    "theory.planted.penalties": ([0.3], PLANTED),
    "theory.planted.epochs": (2, PLANTED),
    "theory.planted.batch": (20, PLANTED),
    "theory.planted.learning_rate": (0.02, PLANTED),
    "theory.planted.m": (4, PLANTED),
    "theory.planted.seeds": ([0, 2], PLANTED),
    "theory.hardness.groups": ([{"p": 11, "g": 6}], HARDNESS),
    "theory.hardness.width": (5, HARDNESS),
    "theory.hardness.steps": (6, HARDNESS),
    "theory.hardness.learning_rate": (0.02, HARDNESS),
    "theory.hardness.read_out_width": (5, HARDNESS),
    "theory.hardness.read_out_steps": (6, HARDNESS),
    "theory.hardness.read_out_learning_rate": (0.02, HARDNESS),
    "theory.hardness.seeds": ([0, 2], HARDNESS),
    "robustness.attacks.models": ([], ATTACKED),
    "robustness.attacks.images": (21, ATTACKED),
    "robustness.attacks.epsilons": ([0.03], ATTACKED),
    "robustness.attacks.steps": (3, ATTACKED),
    # The only network with directions on the analysis set, which null means too.
    "robustness.noise.models": (["classifier"], set()),
    "robustness.noise.methods": (["neurons"], STABLE),
    "robustness.noise.strengths": ([0.1], STABLE),
    "robustness.noise.seed": (5, STABLE),
    "claims.resamples": (120, WITH_EVIDENCE | {"draw_score_agreement"}),
    "claims.seed": (5, WITH_EVIDENCE | {"draw_score_agreement"}),
    "figures.mei_methods": (["neurons", "kmeans-0.5x"], {"draw_exciting_images"}),
    "figures.claims_beside": ({"other": "verdicts.csv"}, {"draw_claims"}),
}
# Keys with one legal value in this study, and tags that would make another kind of section; those
# of activations from files have tests of their own.
FIXED = re.compile(
    r"\.source$|\.weights$|\.kind$|\.architecture\.name$|^projections\.stimuli$|methods\.neurons"
    r"|^claims\.networks$|^coding\.(dot|checkpoints)$|^people$|^zoo$|^directions\.reduction$|\.like$"
    # An attacked classifier names the labels that it sees.
    r"|^models\.classifier\.classes$"
    r"|^language\.explanations\.(explainers\.openai|published)$|^activations$|\.activations$"
)


# Which shards a store keeps follows from what stands, so that only a finished study can tell.
KEPT = {"capture.shards"}
# Of each kind one: said by Snakemake itself too.
SAID = [
    "study",  # new figures
    "runtime.batch",  # nothing
    "models.classifier.training.seed",
    "capture.shards",
    "spectra.models",  # a run more
    "directions.runs",  # a run less
    "coding.dropouts",  # one network instead of another
    "language.length",
]


BASE = read_config(MINI)
# The interpretability study is of the first network.
SEEDED = {
    name: changed(
        BASE,
        {"models.classifier.seeds": seeds, "interpretability.models": ["classifier-s0"]},
    )
    for name, seeds in {"two seeds": [0, 1], "three seeds": [0, 1, 2]}.items()
}


def leaves(content: Any, path: str = "") -> Iterator[str]:
    """Dotted paths of a config's leaves; lists and empty mappings are leaves."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path


def test_the_matrix_covers_every_key():
    full = load_study(BASE).model_dump(mode="json", exclude_none=False)
    keys = {key for key in leaves(full) if not FIXED.search(key)}
    assert keys == set(MATRIX)


# Computed ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy in which nothing runs, with files that some of its studies name."""
    project = copy_project(tmp_path_factory.mktemp("planned"))
    for name, count in {"tiles": 90, "test": 60}.items():
        np.save(project.folder / f"{name}.npy", np.ones((count, 5)))
    write_weights(project.folder / "weights", "clip_vitb32")
    (project.folder / "verdicts.csv").write_text("id,margin,verdict\nA5,1,supported\n")
    return project


@pytest.fixture(scope="module")
def planned(project) -> dict[str, Plan]:
    """Plan of the study with the new value of each key, and under "" as it is."""
    configs = {key: changed(BASE, {key: value}) for key, (value, _) in MATRIX.items()}
    return plans(project, configs | SEEDED | {"": BASE}, BASE)


def follow(plan: Plan, running: set[str]) -> Counter:
    """How many jobs of each rule run when these do: they, and all that follow from them."""
    running = set(running)
    for name, job in plan.items():
        if job.follows & running:
            running.add(name)
    counts = Counter(plan[name].rule for name in running)
    del counts["everything"]
    return counts


def reruns(planned: dict[str, Plan], key: str, done: str = "") -> Counter:
    """Jobs to run when the study was done and a key has changed: new ones, and changed ones."""
    plan, before = planned[key], planned[done]
    return follow(plan, {name for name, job in plan.items() if job != before.get(name)})


@pytest.mark.parametrize("key", [key for key in MATRIX if key not in KEPT])
def test_a_changed_key_reruns_what_depends_on_it(planned, key):
    assert set(reruns(planned, key)) == MATRIX[key][1]


def test_one_clustering_one_network_or_one_dropout_is_made_anew(planned):
    assert reruns(planned, "directions.methods.kmeans.k")["find_directions"] == 2  # a run each
    assert reruns(planned, "models.perceptual.training.seed")["train_classifier"] == 1
    dropouts = reruns(planned, "coding.dropouts")
    assert (dropouts["train_vae"], dropouts["recalibrate_statistics"]) == (1, 1)
    # Both statistics on both sets, and once with dropout on.
    assert (dropouts["fit_spectra"], dropouts["capture_activations"]) == (2, 5)


def test_one_more_seed_is_one_more_network_and_what_gathers_all(planned):
    found = reruns(planned, "three seeds", "two seeds")
    together = {"draw_spectra", "draw_exponents", "draw_windows", "draw_size", "draw_action"}
    together |= {"draw_attacks"}
    drawn = {name for name in found if name.startswith("draw_")}
    assert drawn == {*together, "draw_index", "draw_claims"}
    network = {"train_classifier": 1, "capture_activations": 3, "fit_spectra": 1, "project_dot": 1}
    directions = {"find_directions": 10, "train_autoencoder": 1, "score_interpretability": 1}
    robustness = {"attack_networks": 1, "measure_stability": 1}
    of_all = {*JUDGED, *together, "draw_index"}
    assert {n: c for n, c in found.items() if n not in of_all} == network | directions | robustness


# What grows: the changed keys, and how many jobs of each stage run, besides figures and claims.
BACKBONE = {"kind": "network", "model": "encoder", "layers": [{"type": "ReLU"}]}
SETS = {name: {"file": f"{name}.npy", "rows": "in_order"} for name in ("tiles", "test")}
GIVEN = {"kind": "embeddings", "sets": SETS}
DREAMSIM = {"kind": "dreamsim", "folder": "weights", "variant": "clip_vitb32"}
SCORED_AGAIN = {"score_interpretability": 3} | dict.fromkeys(
    ("score_halves", "simulate_psychophysics", "score_further", "embed_manifold")
    + ("measure_coactivation", "measure_sensitivity", "measure_stability", "score_synergies"),
    1,
)
GROWN = {
    "a layer of the spectra": (
        {"spectra.layers": ["relu", "layer[12].0.relu*", "layer3"]},
        {"capture_activations": 1, "fit_spectra": 1},
    ),
    # Ten methods and an autoencoder in each run, and the grid's two sizes.
    "a layer of the directions": (
        {"directions.layers": ["layer1.0", "layer1", "layer2"]},
        {"capture_activations": 2, "find_directions": 20, "train_autoencoder": 2}
        | {"train_autoencoder_grid": 2}
        | SCORED_AGAIN,
    ),
    # The dot, seen by the classifier and by the sweep's networks as trained and recalibrated.
    "a reduction": (
        {"projections.reduction": "spatial_mean"},
        {"capture_activations": 5, "project_dot": 5},
    ),
    "a part of language models": (
        {"language.parts.attention": ["*.attn.c_proj"]},
        {"capture_text": 2, "fit_text_spectra": 2, "project_text": 2},
    ),
    # A job a size, which trains the new one alone.
    "a penalty of the grid": (
        {"interpretability.autoencoders.l1": [0.01, 0.03, 0.1]},
        {"train_autoencoder_grid": 2, "score_interpretability": 1},
    ),
    "a K": (
        {"directions.methods.kmeans.k": [4, "0.5x", 6]},
        {"find_directions": 2, "score_interpretability": 2, "score_halves": 1, "score_further": 1},
    ),
    "a backbone": (
        {"backbones.other": BACKBONE, "index.backbones": ["inhouse", "other"]},
        {"embed_stimuli": 2} | SCORED_AGAIN,
    ),
    "a backbone of embeddings": (
        {"backbones.given": GIVEN, "index.backbones": ["inhouse", "given"]},
        {"import_embeddings": 2} | SCORED_AGAIN,
    ),
    "a backbone of DreamSim": (
        {"backbones.dreamsim": DREAMSIM, "index.backbones": ["inhouse", "dreamsim"]},
        {"embed_by_dreamsim": 2} | SCORED_AGAIN,
    ),
    # Two dropouts, as trained and recalibrated, each shown two sets.
    "a seed": (
        {"coding.seeds": [0, 1]},
        {"train_vae": 2, "recalibrate_statistics": 2, "capture_activations": 8}
        | {"fit_spectra": 4, "project_dot": 4, "attack_networks": 1},
    ),
}


@pytest.fixture(scope="module")
def grown(project) -> dict[str, Plan]:
    configs = {what: changed(BASE, changes) for what, (changes, _) in GROWN.items()}
    return plans(project, configs | {"": BASE}, BASE)


@pytest.mark.parametrize("what", GROWN)
def test_what_grows_runs_the_jobs_of_what_is_new(grown, what):
    jobs = {rule: count for rule, count in reruns(grown, what).items() if "draw" not in rule}
    del jobs["judge_claims"]
    assert jobs == GROWN[what][1]


# Library modules: one edited function each, and the rules that reach it or follow from one.
MODULES = {
    # Halves have clusterings of their own.
    "directions/kmeans.py": CENTROIDS | PLANTED,
    "directions/finders.py": CENTROIDS | PLANTED,
    "directions/baselines.py": CENTROIDS | PLANTED,
    "directions/read_out.py": CENTROIDS | PLANTED,
    "directions/encode.py": CENTROIDS | PLANTED,
    "directions/nonnegative.py": CENTROIDS | PLANTED,
    "directions/on_gpu.py": CENTROIDS | PLANTED,
    "directions/directions.py": FOUND | PLANTED,
    "directions/sparse_autoencoder.py": AUTOENCODERS | PLANTED,
    "statistics/ranking.py": DIRECTED | RECORDS | PLANTED,
    "statistics/row_blocks.py": FOUND | PLANTED | RECORDS | FITTED | CROSSED | TEXT_SPECTRA,
    # What callers of the library may hand over.
    "statistics/arrays.py": FOUND
    | PLANTED
    | {"draw_hardness"}
    | FITTED
    | CROSSED
    | FILTERED
    | TEXT_SPECTRA
    | TEXT_MOVED
    | RECORDS
    | INFORMATION
    | WITH_EVIDENCE,
    "statistics/subsamples.py": SCORES | WITH_EVIDENCE | TEXT_SPECTRA | FITTED | STABLE | ATTACKED,
    "interpretability/index_resampled.py": SCORES | STABLE,
    "directions/halves.py": HALVED,
    "experiments/psychophysics.py": TRIED | FURTHER,
    "experiments/trial_design.py": TRIED | FURTHER,
    # Of people too, whom this study doesn't ask.
    "experiments/preference.py": TRIED | FURTHER,
    "experiments/machine_interpretability.py": FURTHER,
    "experiments/further_*.py": FURTHER,
    "interpretability/all_pairs.py": FURTHER,
    "interpretability/cosines.py": FURTHER,
    "interpretability/monosemanticity.py": FURTHER,
    "interpretability/semantic_lens.py": FURTHER,
    "models/open_network.py": SHOWN | SWEPT | ATTACKED,
    "models/small_resnet.py": BUILT,
    "models/resnet_vae.py": BUILT,
    "models/checkpoints.py": BUILT,
    "models/state_dicts.py": BUILT,
    "models/efficientnet_names.py": BUILT,
    "models/identity.py": BUILT,
    "models/libraries.py": BUILT,
    "models/own_code.py": BUILT,
    "models/own_preprocessing.py": BUILT,
    "models/axes.py": BUILT | GPT,
    "models/pretrained_folders.py": BUILT | GPT,
    "models/transformers_config.py": BUILT | GPT,
    "models/reductions.py": EMBEDDED | SHOWN | SWEPT | TOKENS,
    "models/layer_listing.py": BUILT | GPT,
    "models/tensor_files.py": BUILT | GPT | PLANTED,
    # How a set is made, and how its file is read.
    "data/photographs.py": TRAINED_ON,
    "data/open_image.py": TRAINED_ON,
    "data/pixel_values.py": TRAINED_ON,
    "data/image_layout.py": TRAINED_ON,
    "data/image_table.py": TRAINED_ON,
    "data/stimulus_table.py": TRAINED_ON,
    # This study has no activations from files.
    "capture/recorded*.py": set(),
    "models/recorded_layers.py": set(),
    "sources/*.py": set(),
    "files/folder_walk.py": TRAINED_ON | TEXT,
    "data/stimulus_blocks.py": EMBEDDED,
    "data/stimulus_file.py": (BUILT - {"initialise_checkpoint"}) | TRAINED_ON | PLANTED,
    "experiments/manifold.py": MAPPED,
    "experiments/coactivation.py": COACTIVE,
    "experiments/sensitivity.py": SENSITIVE,
    "experiments/input_gradients.py": SENSITIVE,
    "experiments/synergy.py": PAIRED,
    "experiments/adversarial.py": ATTACKED,
    "experiments/vulnerability.py": ATTACKED,
    "experiments/stability.py": STABLE,
    "experiments/robustness_measures.py": ATTACKED | STABLE,
    "interpretability/index_means.py": COMPARED | {"draw_score_agreement"},
    # This study asks no people.
    "experiments/people.py": set(),
    "experiments/people_agreement.py": set(),
    "experiments/trial_images.py": set(),
    "files/text_tables.py": TRAINED_ON,
    "files/users_tables.py": set(),
    # Intervals of the claims are those of the spectra.
    "spectra/eigenspectrum.py": FITTED | CROSSED | FILTERED | TEXT_SPECTRA,
    # PCA's covariance is that of the spectra.
    "spectra/moments.py": FITTED | CROSSED | FILTERED | TEXT_SPECTRA | CENTROIDS | PLANTED,
    "spectra/on_gpu.py": FITTED | CROSSED | FILTERED | TEXT_SPECTRA | CENTROIDS | PLANTED,
    "capture/rows.py": CENTROIDS
    | PLANTED
    | FITTED
    | CROSSED
    | FILTERED
    | MOVED
    | CHANNEL
    | TEXT_SPECTRA
    | TEXT_MOVED
    | RECORDS,
    # The law of a spectrum, without the spectrum: filters stay.
    "spectra/power_law.py": FITTED | CROSSED | TEXT_SPECTRA,
    "spectra/weighted_spectra.py": FITTED | CROSSED | TEXT_SPECTRA,
    "spectra/tables.py": FITTED | TEXT_SPECTRA,
    "spectra/exponents_by_group.py": TEXT_SPECTRA | FITTED,
    "spectra/cvpca.py": CROSSED,
    # Read at the start alone.
    "spectra/least_sizes.py": set(),
    **dict.fromkeys(
        (
            f"spectra/{module}.py"
            for module in (
                *("alternatives", "eigenmoments", "estimates", "extrapolation", "meme"),
                *("participation", "windows"),
            )
        ),
        FITTED | CROSSED | TEXT_SPECTRA,
    ),
    "spectra/filters.py": FILTERED,
    # The theory study draws its 1/2 zeta(-alpha).
    "spectra/projections.py": MOVED | CHANNEL | TEXT_MOVED,
    "spectra/token_trajectories.py": TEXT_MOVED,
    "claims/verdicts.py": JUDGED,
    "claims/catalogue.py": JUDGED,
    "claims/needs.py": OF_CLAIMS,
    "statistics/evidence.py": OF_CLAIMS | WITH_EVIDENCE,
    "statistics/rank_correlation.py": OF_CLAIMS | WITH_EVIDENCE | STABLE | {"draw_score_agreement"},
    "statistics/false_discoveries.py": JUDGED,
    "statistics/hierarchy.py": OF_CLAIMS | WITH_EVIDENCE | COMPARED | FURTHER,
    "claims/judges.py": JUDGED,
    "claims/pooling.py": JUDGED,
    "claims/scope.py": OF_CLAIMS,
    # Whatever reads a table.
    "files/csv_tables.py": DRAWN | {"explain_by_lookup", "score_halves", "score_further", *JUDGED},
    # Whatever writes one, or has to do with files of another format, and what follows.
    "files/csv_writer.py": {"embed_stimuli"} | ENCODER | GPT | EVERYTHING,
    "files/hdf5_files.py": TRAINED_ON | TEXT | TOYS | PLANTED,
    "files/named_axes.py": SHOWN | SWEPT | TOKENS | PLANTED,
    "files/array_files.py": MOVED | TEXT_MOVED,
    # What takes items from a last run: of tables, and of any file.
    "files/kept_tables.py": FITTED
    | CROSSED
    | MOVED
    | TEXT_SPECTRA
    | TEXT_MOVED
    | RECORDS
    | DIRECTED
    | AUTOENCODERS
    | ATTACKED,
    "files/kept_results.py": FITTED
    | CROSSED
    | MOVED
    | TEXT_SPECTRA
    | TEXT_MOVED
    | RECORDS
    | EMBEDDED
    | FOUND
    | FILTERED
    | ATTACKED,
    # Columns that are looked for, names, locks, notes and words change no number.
    "files/table_columns.py": set(),
    "files/table_reductions.py": DRAWN | JUDGED,
    "files/whole_files.py": set(),
    "files/one_writer.py": set(),
    "files/plain_files.py": set(),
    "files/json_files.py": set(),
    "files/manifests.py": set(),
    "files/notes.py": set(),
    "files/made_by.py": set(),
    "files/full_disk.py": set(),
    "files/regular_files.py": set(),
    "files/second_names.py": set(),
    "errors.py": set(),
    "claims/sweep_columns.py": {
        "draw_dropout",
        "draw_dropout_spectra",
        "draw_cross_validated",
        *JUDGED,
    },
    "theory/retention.py": {"draw_information", "estimate_information", *JUDGED},
    "interpretability/similarity.py": DIRECTED | PLANTED,
    "interpretability/embedding_table.py": DIRECTED | PLANTED,
    "interpretability/parts.py": DIRECTED | PLANTED,
    "interpretability/lpips_embedding.py": EMBEDDED,
    "interpretability/feature_embedding.py": EMBEDDED,
    "interpretability/embedding_file.py": EMBEDDED,
    # This study has no embeddings from files, and no DreamSim.
    "interpretability/dreamsim*.py": set(),
    "interpretability/given_embeddings.py": set(),
    "interpretability/index.py": DIRECTED | PLANTED,
    "training/epochs.py": {"embed_stimuli"} | SHOWN | ENCODER | GPT | PLANTED,
    "training/optimizers.py": {"embed_stimuli"}
    | SHOWN
    | ENCODER
    | GPT
    | PLANTED
    | TOYS
    | INFORMATION
    | HARDNESS,
    "training/classifier.py": {"embed_stimuli"} | SHOWN | ENCODER,
    "training/vae.py": VAES,
    # Networks as trained stay as they are.
    "training/batchnorm.py": VAES - {"train_vae"} - CROSSED - FILTERED,
    "capture/activation_file.py": SHOWN | SWEPT | TOKENS,
    "capture/journal.py": SHOWN | SWEPT | TOKENS,
    "capture/layout.py": SHOWN | SWEPT | TOKENS,
    "capture/p[air]*.py": SHOWN | SWEPT | TOKENS,  # passes, pipeline, precision
    "capture/row_writer.py": SHOWN | SWEPT | TOKENS,
    "capture/shard.py": SHOWN | SWEPT | TOKENS,
    "capture/gather_shards.py": SHOWN | SWEPT | TOKENS,
    "capture/images.py": SHOWN | SWEPT,
    "capture/appended.py": SHOWN | SWEPT,
    "capture/image_job.py": SHOWN | SWEPT,
    "models/hooks.py": EMBEDDED | SHOWN | SWEPT | TOKENS,
    "data/documents.py": TEXT,
    "data/docstrings.py": TEXT,
    "data/tokens.py": TOKENS,
    "data/tokenization.py": TOKENS,
    "capture/text.py": TOKENS,
    "capture/text_job.py": TOKENS,
    "models/language_models.py": GPT,
    "models/byte_gpt2.py": GPT,
    "training/language_model.py": GPT,
    "models/model_folders.py": BUILT | GPT,
    "models/tokenizer_trial.py": GPT,
    "explanations/neuron_records.py": RECORDS,
    "explanations/units.py": RECORDS,
    "explanations/scores.py": EXPLAINED,
    "explanations/lookup.py": EXPLAINED,
    "explanations/detection.py": EXPLAINED,
    # This study has no model of the hub or a GGUF file, no published explanations, no chat model.
    "models/hub.py": set(),
    "models/gguf_header.py": set(),
    "models/gguf_models.py": set(),
    # Nor weights that are read from a file.
    "models/class_count.py": set(),
    "explanations/published.py": set(),
    "explanations/chat.py": set(),
    "interpretability/score_table.py": DIRECTED,
    "capture/manifest_layers.py": CAPTURED
    | FITTED
    | CROSSED
    | MOVED
    | FILTERED
    | (TOKENS - {"capture_text"}),
    "capture/captured.py": CAPTURED
    | FITTED
    | CROSSED
    | MOVED
    | FILTERED
    | (TOKENS - {"capture_text"}),
    "theory/superposition.py": TOYS,
    "theory/planted_features.py": PLANTED,
    "theory/recovery.py": PLANTED,
    "theory/hardness.py": HARDNESS,
    "theory/bit_networks.py": HARDNESS,
    "theory/prime_groups.py": HARDNESS,
    "theory/dropout_networks.py": INFORMATION,
    "theory/mutual_information.py": INFORMATION,
    "theory/info_nce.py": INFORMATION,
    "theory/batched_layers.py": INFORMATION,
    "figures/style.py": DRAWN,
    "figures/filters.py": {"draw_filters"},
    "figures/spectra.py": {"draw_spectra", "draw_exponents", "draw_cross_validated"}
    | SWEPT_SPECTRA
    | (DRAWN_OF_TEXT - {"draw_passage"}),
    "figures/panels.py": {"draw_spectra", "draw_exponents", "draw_trajectories", "draw_action"}
    | {"draw_index", "draw_exciting_images", "draw_synergy", "draw_pairs", "draw_cross_validated"}
    | SWEPT_SPECTRA
    | DRAWN_OF_TEXT,
    "figures/seeds.py": {"draw_spectra", "draw_exponents", "draw_trajectories", "draw_action"}
    | {"draw_index", "draw_exciting_images", "draw_synergy", "draw_pairs", "draw_cross_validated"}
    | {"draw_windows", "draw_controls", "draw_index_panels", "draw_explanations", "draw_detection"}
    | {"draw_attacks", "draw_stability"}
    | SWEPT_SPECTRA
    | DRAWN_OF_TEXT,
    "figures/projections.py": {"draw_trajectories", "draw_action"},
    "figures/language.py": DRAWN_OF_TEXT - {"draw_passage"},
    "figures/passage.py": {"draw_passage"},
    # The panel of II against a measure is that of centroids too.
    "figures/manifold.py": {"draw_manifold", "draw_coactivation", "draw_sensitivity"},
    "figures/explanations.py": {"draw_explanations", "draw_detection"},
    "figures/detection.py": {"draw_detection"},
    "figures/coding.py": SWEPT_SPECTRA | {"draw_cross_validated"},
    "figures/theory.py": {"draw_superposition", "draw_channel"},
    "figures/index.py": {"draw_index", "draw_exciting_images"},
    "figures/index_methods.py": {"draw_index_panels", "draw_controls"},
    # This study has no zoo: tests/workflow/test_zoo.py.
    "zoo/*.py": set(),
    "figures/zoo.py": set(),
    "models/published_files.py": set(),
    "models/library_names.py": set(),
    # The target atlas is asked for by itself: tests/workflow/test_atlas.py.
    "atlas/*.py": set(),
    "directions/places.py": set(),
    "statistics/z_scores.py": set(),
    # Read at the start, or no part of what a job computes.
    "study/*.py": set(),
    "__main__.py": set(),
    "jobs/*.py": set(),
    "files/date_stamp.py": set(),
    "files/content_stamp.py": set(),
    "explanations/chat_*.py": set(),
    "models/torchvision_weights.py": set(),
    # What several rooms have in common.
    "jobs/device.py": TRAINED | TOYS | INFORMATION | TEXT_SPECTRA,
    "jobs/given_gpu.py": FITTED | CENTROIDS | TEXT_SPECTRA,
    "data/stimuli.py": TRAINED_ON,
    "data/image_files.py": TRAINED_ON,
    "data/preprocessing.py": (TRAINED_ON - {"make_stimuli"}) | BUILT,
    "models/architectures.py": BUILT,
    "models/layer_selection.py": CENTROIDS | AUTOENCODERS | TOKENS,
    "models/layer_inputs.py": SHOWN | SWEPT | TOKENS,
    "experiments/example_trials.py": TRIED,
    "explanations/unit_kinds.py": RECORDS,
    "spectra/code_entropy.py": FITTED | TEXT_SPECTRA | CHANNEL,
    "spectra/huber.py": FITTED | CROSSED | TEXT_SPECTRA,
    "theory/capacity.py": TOYS | CHANNEL,
    "statistics/proportions.py": TRIED | EXPLAINED | FURTHER,
    "statistics/intervals.py": TRIED
    | FURTHER
    | FITTED
    | CROSSED
    | TEXT_SPECTRA
    | TEXT_MOVED
    | INFORMATION
    | DRAWN_OF_TEXT
    | OF_CLAIMS
    | WITH_EVIDENCE
    | EXPLAINED
    | {"draw_planted", "draw_hardness"},
    "claims/measures/*.py": JUDGED,
    "claims/measures/manifold.py": WITH_MEASURES,
    "claims/measures/sensitivity.py": {"draw_sensitivity", *JUDGED},
    "claims/measures/robustness.py": {"draw_attacks", "draw_stability", *JUDGED},
    "claims/measures/tables.py": OF_CLAIMS,
    # This study asks no people.
    "figures/agreement.py": set(),
    "figures/autoencoders.py": {"draw_autoencoders"},
    "figures/claims.py": {"draw_claims"},
    "figures/information.py": {"draw_information"},
    "figures/planted.py": {"draw_planted"},
    "figures/hardness.py": {"draw_hardness"},
    "figures/psychophysics.py": {"draw_psychophysics", "draw_trial"},
    # Drawn where a study has networks of several sizes.
    "figures/size.py": set(),
    "figures/windows.py": {"draw_windows"},
    "figures/robustness.py": {"draw_attacks", "draw_stability"},
    "figures/sensitivity.py": {"draw_sensitivity"},
    "figures/further_scores.py": {"draw_score_agreement"},
    "figures/synergy.py": {"draw_pairs", "draw_synergy"},
}


LIBRARY = SCRIPTS / "codespectra"
FILES = sorted(
    str(file.relative_to(LIBRARY)) for file in LIBRARY.rglob("*.py") if file.stem != "__init__"
)


def row_of(module: str) -> str | None:
    """The row of a module: its own, or else the only one whose pattern it fits."""
    if module in MODULES:
        return module
    rows = [row for row in MODULES if fnmatch(module, row)]
    return rows[0] if len(rows) == 1 else None


@pytest.fixture(scope="module")
def reaching(project) -> dict[str, set[str]]:
    return rules_reaching(project, FILES)


def reruns_of_edit(planned: dict[str, Plan], rules: set[str]) -> Counter:
    return follow(planned[""], {n for n, job in planned[""].items() if job.rule in rules})


def test_every_module_has_a_row_and_every_row_a_module():
    assert {row_of(module) for module in FILES} == set(MODULES)


@pytest.mark.parametrize("module", FILES)
def test_an_edited_module_reruns_the_stages_that_reach_it(planned, reaching, module):
    assert set(reruns_of_edit(planned, reaching[module])) == MODULES[row_of(module)]


# A rule that got another output isn't run again in an older study, where Snakemake then compares
# nothing, unless something asks for that output. These came with their rules, as a figure's PDF and
# CSV did: a new one belongs into a target.
UNASKED = {
    *(("cross_validate_spectra", "estimates"), ("score_further", "means")),
    *(("explain_by_lookup", "explanations"), ("project_text", "trajectories")),
    *(("judge_claims", "by_scope"), ("train_superposition", "weights")),
    *(
        (f"train_{what}", "epochs")
        for what in ("autoencoder", "autoencoder_grid", "classifier", "language_model", "vae")
    ),
}


def test_a_new_output_of_a_rule_is_asked_for(project):
    found = unasked_outputs(project)
    assert {output for output in found if not output[0].startswith("draw_")} == UNASKED
    assert {name for rule, name in found if rule.startswith("draw_")} == {"csv", "pdf"}


# As Snakemake says on the finished study ---------------------------------------------------------


@pytest.mark.parametrize("key", SAID)
def test_snakemake_says_the_same_of_a_changed_key(mini, planned, key):
    said = mini.would_run(study=mini.write_study({key: MATRIX[key][0]}))
    assert set(said) == MATRIX[key][1]
    if key not in KEPT:
        assert said == reruns(planned, key)


@pytest.mark.parametrize("module", ["training/epochs.py", "files/csv_tables.py", "study/plan.py"])
def test_snakemake_says_the_same_of_an_edited_module(mini, planned, reaching, module):
    with edited(mini.folder / "scripts/codespectra" / module):
        assert mini.would_run() == reruns_of_edit(planned, reaching[module])


def test_an_edited_comment_or_docstring_reruns_nothing(mini):
    scripts = mini.folder / "scripts"
    before = {file: file.read_text() for file in scripts.rglob("*.py")}
    for file, text in before.items():
        assert text.startswith('"""'), f"{file} has no module docstring"
        file.write_text('"""Changed.\n\n' + text.removeprefix('"""') + "\n# A comment.\n")
    jobs = mini.would_run()
    for file, text in before.items():
        file.write_text(text)
    assert jobs == {}


def test_a_touch_of_every_file_reruns_nothing(mini):
    now = time.time()
    for file in mini.folder.rglob("*"):
        if file.is_file() and ".snakemake" not in file.parts:
            os.utime(file, (now, now))
    assert mini.would_run() == {}


@pytest.mark.parametrize("key", ["", "index.m", "language.length", "spectra.models"])
def test_without_snakemake_s_records_what_has_changed_still_runs(mini, planned, tmp_path, key):
    """A run more, too: its files are new, and what gathers them has other inputs."""
    project = mini.copy(tmp_path / "copy")
    shutil.rmtree(project.folder / ".snakemake")
    study = project.write_study({key: MATRIX[key][0]}) if key else MINI
    assert project.would_run(study=study) == (reruns(planned, key) if key else {})


def test_a_second_run_has_nothing_to_do(mini):
    done = mini.snakemake("everything", "--cores", "1")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
