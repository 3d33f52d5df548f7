"""What a study's config implies by itself: its runs, methods, models, and sizes of its sets."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from codespectra.data.image_layout import SUFFIXES, class_folders
from codespectra.data.image_table import read_image_table
from codespectra.errors import UserError
from codespectra.models.identity import package_file
from codespectra.study.dropout_sweep import (
    AS_TRAINED,
    RecalibratedModel,
    VaeModel,
    networks,
    swept_models,
)
from codespectra.study.sections.analyses import Layers, in_words
from codespectra.study.sections.base import Strict, short
from codespectra.study.sections.directions import DirectionMethods, SparseAutoencoder
from codespectra.study.sections.index import (
    DreamsimBackbone,
    EmbeddingsBackbone,
    ImagenetBackbone,
    LpipsBackbone,
    NetworkBackbone,
    PathBackbone,
)
from codespectra.study.sections.language import GgufLanguageModel
from codespectra.study.sections.models import (
    DownloadedModel,
    FileModel,
    Model,
    PathModel,
    RandomModel,
    Torchvision,
    TrainedModel,
)
from codespectra.study.sections.recorded import shown_set
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.stimuli import (
    PHOTOGRAPHS,
    Cifar,
    ImageFolder,
    MovingDot,
    Photographs,
    PhotographTiles,
)
from codespectra.study.sections.study import Study
from codespectra.study.seeds import first_of_each

# Begins the names of the models that backbones imply.
IMPLIED = "backbone-"
# The images that people saw, which are no set of the study, and the pixels of their sides.
PEOPLE, PEOPLES_SIDE = "people's images", 224
# Images of a folder that are counted at each start: names alone, some milliseconds.
MOST_COUNTED = 20_000


@dataclass(frozen=True)
class Analysis:
    """The (model, stimuli) pairs that an analysis looks at, and which layers.

    `kind` names the section that says how: spectra, projections, directions, filters. `key` is
    where the config lists the layers.
    """

    kind: str
    key: str
    layers: Layers
    runs: list[tuple[str, str]]


def analyses(study: Study) -> dict[str, Analysis]:
    """The analyses of a study by name; those of the coding study have names of their own."""
    found = {}
    for kind in ("spectra", "projections"):
        section = getattr(study, kind)
        names = getattr(section, "activations", ())
        recorded = [(name, shown_set(study.activations, name)) for name in names]
        found[kind] = Analysis(kind, f"{kind}.layers", section.layers, section.runs + recorded)
    if study.directions is not None:
        layers, runs = study.directions.layers, directions_runs(study)
        found["directions"] = Analysis("directions", "directions.layers", layers, runs)
    if study.coding is not None:
        for kind, stimuli in (("spectra", study.coding.stimuli), ("projections", study.coding.dot)):
            runs = [(name, stimuli) for name in networks(study.coding)]
            found[f"coding_{kind}"] = Analysis(kind, "coding.layers", study.coding.layers, runs)
    return found


def filter_runs(study: Study) -> list[Analysis]:
    """Runs whose eigenvectors are shown as filters: the spectra's, and the sweep's first one.

    Of networks that only their seeds tell apart the first.
    """
    layers = study.filters.layers
    runs = study.spectra.runs if layers else []  # of activations alone nothing can be said
    if isinstance(layers, dict):  # of the others none are shown
        runs = [run for run in runs if run[0] in layers]
    found = [Analysis("filters", "filters.layers", layers, first_of_each(study, runs))]
    if study.coding is not None:
        runs = [(next(iter(networks(study.coding))), study.coding.stimuli)]
        found.append(Analysis("filters", "coding.filters", study.coding.filters, runs))
    return found


def noisy_runs(study: Study) -> list[tuple[str, str]]:
    """Networks whose dropout stays on for two repeats of the same stimuli (cvPCA).

    Of the first seed, as trained, since their statistics are those of dropout on; without dropout
    nothing is noisy.
    """
    return [
        (name, study.coding.stimuli)
        for name, network in networks(study.coding).items()
        if network.statistics == AS_TRAINED
        and network.dropout > 0
        and network.seed == study.coding.seeds[0]
    ]


def shown_networks(study: Study) -> list[str]:
    """The sweep's lowest and highest dropout, of the first seed, with both kinds of statistics."""
    coding = study.coding
    ends = {min(coding.dropouts), max(coding.dropouts)}
    return [
        name
        for name, network in networks(coding).items()
        if network.dropout in ends and network.seed == coding.seeds[0]
    ]


@cache
def direction_methods(methods: DirectionMethods) -> dict[str, dict[str, Any]]:
    """Options of each direction finder by its name in files and figures, such as kmeans-1x."""
    found: dict[str, dict[str, Any]] = {}
    for kind in type(methods).model_fields:
        section = getattr(methods, kind)
        if section is None:
            continue
        if isinstance(section, SparseAutoencoder):
            found |= _autoencoders(section, section.z, section.l1)
            continue
        counts = getattr(section, "k", None)
        for k in counts if isinstance(counts, tuple) else [counts]:
            options = stage_config(section, method=kind) | ({} if k is None else {"k": k})
            found[kind if k is None else f"{kind}-{k}"] = options
    return found


def autoencoder_grid(study: Study) -> dict[str, dict[str, Any]]:
    """Options of the grid's autoencoders by name, trained as `directions.methods.sae` says."""
    grid, section = study.interpretability.autoencoders, study.directions.methods.sae
    return _autoencoders(section, grid.z, grid.l1) if section else {}


def _autoencoders(
    section: SparseAutoencoder, sizes: tuple[int | str, ...], penalties: tuple[float, ...]
) -> dict[str, dict[str, Any]]:
    return {
        f"sae-{z}-{short(l1)}": stage_config(section, method="sae", z=z, l1=l1)
        for z in sizes
        for l1 in penalties
    }


def directions_runs(study: Study) -> list[tuple[str, str]]:
    """The (model, stimuli) pairs whose directions are found."""
    runs = study.directions.runs if study.directions else ()
    return [(run.model, run.stimuli) for run in runs]


def scored_runs(study: Study) -> list[tuple[str, str]]:
    """Those of them whose images are there, for scores."""
    return [run for run in directions_runs(study) if run[1] in study.stimuli]


def reduction_of(study: Study, kind: str, model: str) -> str:
    """How an analysis reduces outputs of a model's layers, or rows of activations from a file."""
    recorded = study.activations.get(model)
    return recorded.reduction if recorded else getattr(study, kind).reduction


def methods_of(study: Study, model: str, stimuli: str) -> list[str]:
    """Names of the methods that find the directions of a run."""
    wanted = study.directions.by_run[model, stimuli].methods
    known = direction_methods(study.directions.methods)
    return [name for name in known if wanted is None or known[name]["method"] in wanted]


def interpretability_runs(study: Study) -> list[tuple[str, str]]:
    """Those of them that the interpretability study is about."""
    models = study.interpretability.models if study.interpretability else ()
    return [
        (model, stimuli)
        for model, stimuli in scored_runs(study)
        if stimuli in study.directions.analysis_sets and (models is None or model in models)
    ]


def attacked_runs(study: Study) -> list[tuple[str, str]]:
    """The (model, stimuli) pairs that are attacked: classifiers of spectra, and the sweep's."""
    attacks = study.robustness.attacks if study.robustness else None
    if attacks is None:
        return []
    named = [run for run in study.spectra.runs if run[0] in attacks.models]
    return [*named, *((name, study.coding.stimuli) for name in networks(study.coding))]


def noise_runs(study: Study) -> list[tuple[str, str]]:
    """The directions' runs on the analysis sets whose images are shown with noise."""
    noise = study.robustness.noise if study.robustness else None
    if noise is None or study.directions is None:
        return []
    return [
        (model, stimuli)
        for model, stimuli in scored_runs(study)
        if stimuli in study.directions.analysis_sets
        and model in (study.models if noise.models is None else noise.models)
        and model in study.models
    ]


def headline_metric(study: Study) -> str:
    """The metric that figures of one metric show: a perceptual one where there is one."""
    index = study.index
    return [*index.backbones, "color" if index.color else "label"][0]


def implied_models(study: Study) -> dict[str, Model | VaeModel | RecalibratedModel]:
    """AlexNets that the backbones need, named backbone-NAME, and the networks of the sweep."""
    return _alexnets(study) | (swept_models(study) if study.coding else {})


def _alexnets(study: Study) -> dict[str, Model]:
    alexnet = Torchvision(name="torchvision", model="alexnet")
    models: dict[str, Model] = {}
    for name, backbone in study.backbones.items():
        if not isinstance(backbone, LpipsBackbone):
            continue
        common: dict[str, Any] = {"architecture": alexnet, "classes": 1000}
        model: Model
        if isinstance(backbone, ImagenetBackbone):
            model = DownloadedModel(weights="torchvision", tag="IMAGENET1K_V1", **common)
        elif isinstance(backbone, PathBackbone):
            model = PathModel(weights="path", path=backbone.path, sha256=backbone.sha256, **common)
        else:
            model = RandomModel(weights="random", seed=backbone.seed, **common)
        models[f"{IMPLIED}{name}"] = model
    return models


def weights_file(model: FileModel | GgufLanguageModel) -> Path:
    """The file of a model's weights, the user's own or a package's.

    Raises:
        UserError: the package isn't installed, or has no such file.
    """
    package, file, path = (getattr(model, key, None) for key in ("package", "file", "path"))
    return path if package is None else package_file(package, file)


def backbone_model(study: Study, name: str) -> str:
    """Name of the model whose weights a backbone uses."""
    backbone = study.backbones[name]
    return backbone.model if isinstance(backbone, NetworkBackbone) else f"{IMPLIED}{name}"


def backbones_in_words(study: Study) -> dict[str, str]:
    """What each backbone is that isn't LPIPS."""
    found = {}
    for name, backbone in study.backbones.items():
        if isinstance(backbone, NetworkBackbone):
            model = study.models[backbone.model]
            origin: str = model.weights
            if isinstance(model, TrainedModel):
                origin = f"trained on {model.training.train}"
            layers = ", ".join(in_words(item) for item in backbone.layers)
            what = f"unit-length features of {backbone.model} ({origin}; {layers}), all heads 1"
            found[name] = f"{what}: not LPIPS"
        elif isinstance(backbone, DreamsimBackbone):
            found[name] = f"DreamSim ({backbone.variant})"
        elif isinstance(backbone, EmbeddingsBackbone):
            distance = {"cosine": "1 - cos", "squared_euclidean": "|x - y|²"}[backbone.distance]
            found[name] = f"{distance} of embeddings from a file"
    return found


def embedded_sets(study: Study) -> list[tuple[str, str, int]]:
    """Backbones, with the sets that each embeds and their sides: of directions, zoo, people."""
    named = study.index.backbones
    sets = dict.fromkeys(stimuli for _, stimuli in scored_runs(study))
    if study.zoo is not None and study.zoo.scores:
        sets |= {study.zoo.stimuli: None}
    found = [(name, one, side_of(study.stimuli[one])) for name in named for one in sets]
    return found + ([(study.people.backbone, PEOPLE, PEOPLES_SIDE)] if study.people else [])


def most_stimuli(spec: Any) -> int | None:
    """How many stimuli a set can hold at most; None if only its files tell."""
    if isinstance(spec, Photographs):
        return PHOTOGRAPHS * spec.per_class
    if isinstance(spec, PhotographTiles):
        return PHOTOGRAPHS * spec.max_per_class
    if isinstance(spec, MovingDot):
        return spec.frames
    if isinstance(spec, Cifar):
        return min(50_000 if spec.split == "train" else 10_000, spec.limit or 50_000)
    return spec.limit


def most_images(spec: Any) -> int | None:
    """The same, or else how many images a folder has, if few enough to be counted at each start."""
    most = most_stimuli(spec)
    if most is not None or spec.table is not None or not spec.root.is_dir():
        return most
    folders = [spec.root, *(spec.root / name for name in class_folders(spec.root))]
    below = (path for folder in folders for path in folder.iterdir())
    images = (path for path in below if path.suffix.lower() in SUFFIXES)
    counted = sum(1 for _ in islice(images, MOST_COUNTED + 1))
    return counted if 0 < counted <= MOST_COUNTED else None


def resampled(study: Study, section: Literal["spectra", "index"], stimuli: str) -> str:
    """What the intervals of a set's exponents, or indices, draw: classes, or stimuli."""
    alike = isinstance(study.stimuli.get(stimuli), Photographs | PhotographTiles)
    by_itself = "classes" if alike else "stimuli"
    chosen = getattr(study, section).resampled
    return by_itself if chosen == "auto" else chosen


def can_grow(study: Study, stimuli: str) -> bool:
    """Whether stimuli may be added at the end of a set: images of a folder, or rows of a file."""
    section = study.stimuli.get(stimuli)
    return section is None or isinstance(section, ImageFolder | Cifar)


def class_count(spec: Strict | None) -> int:
    """Classes of a set, as far as its config and its folder tell; else 0."""
    if isinstance(spec, Photographs | PhotographTiles):
        return PHOTOGRAPHS
    if isinstance(spec, ImageFolder) and spec.root.is_dir():
        if spec.table is None:
            return len(class_folders(spec.root))
        # What is wrong with a table is told where it is checked.
        with suppress(UserError):
            return len(read_image_table(spec.root, spec.table).classes)
    return {"cifar10": 10, "cifar100": 100}.get(getattr(spec, "source", ""), 0)


def side_of(spec: Any) -> int:
    """Pixels of a stimulus' side."""
    return 32 if isinstance(spec, Cifar) else spec.side
