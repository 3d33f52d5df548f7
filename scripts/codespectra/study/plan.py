"""From a valid config to a plan: names that exist, layers that exist, what each capture holds.

Everything here is decided before a job starts; the one costly step, listing an architecture's
layers, is remembered so that a later start needn't import torch.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from codespectra.errors import UserError, nearest
from codespectra.models.identity import resolved
from codespectra.models.layer_selection import select_layers
from codespectra.models.reductions import reduced_width, refusal, unplaced
from codespectra.study.check_language import DescribeLanguageModel, Widths, check_language
from codespectra.study.check_layers import Selected, check_layers
from codespectra.study.check_robustness import check_heads
from codespectra.study.check_sizes import check_embedding
from codespectra.study.check_study import check_study
from codespectra.study.dropout_sweep import SWEPT, RecalibratedModel, VaeModel
from codespectra.study.given_embeddings import describe_embeddings
from codespectra.study.implied import (
    Analysis,
    analyses,
    autoencoder_grid,
    direction_methods,
    embedded_sets,
    filter_runs,
    implied_models,
    most_stimuli,
    noisy_runs,
    reduction_of,
    side_of,
)
from codespectra.study.model_classes import Models, classes_by_model
from codespectra.study.problems import Problems
from codespectra.study.recorded import DescribeRecorded, Recorded, describe_sets
from codespectra.study.remembered import CountClasses, Describe
from codespectra.study.sections.analyses import Layers, plain
from codespectra.study.sections.index import NetworkBackbone
from codespectra.study.sections.models import FileModel, FromModel, Model
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import Study
from codespectra.study.seeds import one_network_a_seed, replicates
from codespectra.study.zoo_networks import ZooNetworks, zoo_networks


@dataclass(frozen=True)
class Plan:
    """A study whose config is checked and whose layers are known.

    `models` are the study's and those that it implies, `architectures` their sections with the code
    and the files that they name (`identity.resolved`), `classes` their numbers of classes (None: as
    the architecture has them); `selected` are the layers of each kind of analysis for each run,
    `embedded` those of a network as a backbone for each set, `embeddings` digests of the files of
    a backbone of files for each set; `captures` are the (layer, reduction)
    pairs of each activations file, `noisy_captures` those of the files with dropout left on;
    `recorded` are the activations that files hold by name; `repeated` their runs whose stimuli were
    shown several times. `methods` and `grid` are the options of the direction finders by name, of
    the main job and of the grid of autoencoders. `token_widths` are the numbers a token in each
    part of the language models that are known. `zoo` are the networks of the zoo.
    """

    study: Study
    models: Models
    architectures: dict[str, dict[str, Any]]
    classes: dict[str, int | None]
    selected: Selected
    embedded: dict[tuple[str, str], list[dict[str, Any]]]
    embeddings: dict[tuple[str, str], str]
    captures: dict[tuple[str, str], list[dict[str, str]]]
    noisy_captures: dict[tuple[str, str], list[dict[str, str]]]
    recorded: dict[str, Recorded]
    repeated: list[tuple[str, str]]
    methods: dict[str, dict[str, Any]]
    grid: dict[str, dict[str, Any]]
    token_widths: Widths
    zoo: ZooNetworks

    def layer_names(self, stage: str, model: str, stimuli: str) -> list[str]:
        """Names of the layers that `stage` looks at, in running order."""
        return [layer["name"] for layer in self.selected[stage, model, stimuli]]

    def layer_types(self, stage: str, runs: Iterable[tuple[str, str]]) -> list[str]:
        """Module classes of the layers that `stage` looks at in those runs, each once."""
        layers = [layer for run in runs for layer in self.selected[stage, *run]]
        return list(dict.fromkeys(layer["type"] for layer in layers))


def make_plan(
    study: Study,
    describe: Describe,
    count_classes: CountClasses,
    describe_language_model: DescribeLanguageModel,
    describe_recorded: DescribeRecorded,
) -> Plan:
    """Check a study's cross-references and resolve its layers.

    Raises:
        UserError: one line a problem: the key, what was found, what is allowed.
    """
    problems = Problems()
    study = one_network_a_seed(study, problems)
    problems.raise_any()
    problems.written_as = {name: of["base"] for name, of in replicates(study).items()}
    methods = direction_methods(study.directions.methods) if study.directions else {}
    check_study(study, methods, problems)
    zoo = zoo_networks(study.zoo, problems)
    token_widths = {}
    if study.language is not None:
        token_widths = check_language(
            study, study.language, describe_language_model, problems, os.environ
        )
    problems.raise_any()
    recorded = describe_sets(study, describe_recorded, problems)
    models = study.models | implied_models(study)
    architectures = _resolve(models, problems)
    problems.raise_any()
    classes = classes_by_model(study, models, architectures, count_classes, problems)
    networks = {name: (architectures[name], classes[name]) for name in models}
    selected = _select(study, models, networks, recorded, describe, problems)
    embedded = _embed(study, models, networks, describe, problems)
    embeddings = describe_embeddings(study, describe_recorded, problems)
    check_layers(study, selected, recorded, methods, problems)
    check_heads(study, classes, problems)
    filtered = _select_filters(study, selected, problems)
    problems.raise_any()
    repeated = [
        run
        for run in analyses(study)["spectra"].runs
        if run[0] in recorded and recorded[run[0]].repeats > 1
    ]
    noisy = [("spectra", *run) for run in (*noisy_runs(study), *repeated)]
    return Plan(
        study,
        models,
        architectures,
        classes,
        selected | filtered,
        embedded,
        embeddings,
        _captures(study, selected),
        _captures(study, {key: selected[key] for key in noisy}),
        recorded,
        repeated,
        methods,
        autoencoder_grid(study) if study.interpretability else {},
        token_widths,
        zoo,
    )


def _resolve(models: Models, problems: Problems) -> dict[str, dict[str, Any]]:
    found = {}
    for name, model in models.items():
        tag = "DEFAULT" if isinstance(model, FileModel) else getattr(model, "tag", None)
        try:
            found[name] = resolved(stage_config(model.architecture), tag)
        except UserError as error:
            problems.add(f"models.{name}.architecture: {error}")
    return found


def network_side(model: Model | VaeModel | RecalibratedModel, side: int) -> int | None:
    """Pixels of the side that a network sees of images of that side.

    None: it sees them as its own library makes them.
    """
    seen = model.preprocessing
    return None if isinstance(seen, FromModel) else seen.side or seen.resize or side


def _select(
    study: Study,
    models: Models,
    networks: dict[str, tuple[dict[str, Any], int | None]],
    recorded: dict[str, Recorded],
    describe: Describe,
    problems: Problems,
) -> Selected:
    selected, found = {}, analyses(study)

    @cache
    def available(model: str, side: int | None) -> list[dict[str, Any]]:
        network, classes = networks[model]
        if network.get("dropout"):  # however much, the layers are the same
            network = network | {"dropout": 0.5}
        return describe(network, classes, side)

    @cache
    def chosen_of(name: str, model: str, side: int | None) -> list[dict[str, Any]]:
        return select_layers(_selectors(found[name].layers, model), available(model, side))

    for name, analysis in found.items():
        for model, stimuli in analysis.runs:
            if model in recorded:
                _select_recorded(study, analysis, (model, stimuli), recorded, selected, problems)
            if model in study.activations:
                continue
            side = network_side(models[model], side_of(study.stimuli[stimuli]))
            try:
                available(model, side)
            except UserError as error:
                # The sweep's networks are built around one encoder.
                named = study.coding.encoder if model.startswith(SWEPT) else model
                # It may begin with a key of the model's.
                joint = "." if str(error).startswith("architecture.") else ": "
                problems.add(f"models.{named}{joint}{error}")
                continue
            try:
                chosen = chosen_of(name, model, side)
                if _reduces(study, analysis, model, chosen, problems):
                    selected[analysis.kind, model, stimuli] = chosen
            except UserError as error:
                problems.add(f"{_place(analysis, model)}: {error}")
    return selected


def _select_recorded(
    study: Study,
    analysis: Analysis,
    run: tuple[str, str],
    recorded: dict[str, Recorded],
    selected: Selected,
    problems: Problems,
) -> None:
    """Add the layers of a run of activations from a file: all, or what a list by model says."""
    model, layers = run[0], recorded[run[0]].layers
    try:
        if isinstance(analysis.layers, dict) and model in analysis.layers:
            layers = select_layers(_selectors(analysis.layers, model), layers)
        if _reduces(study, analysis, model, layers, problems):
            selected[(analysis.kind, *run)] = layers
    except UserError as error:
        problems.add(f"{_place(analysis, model)}: {error}")


def _embed(
    study: Study,
    models: Models,
    networks: dict[str, tuple[dict[str, Any], int | None]],
    describe: Describe,
    problems: Problems,
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found = {}
    for name, stimuli, side in embedded_sets(study):
        backbone = study.backbones[name]
        if not isinstance(backbone, NetworkBackbone):
            continue
        key, model = f"backbones.{name}", models[backbone.model]
        try:
            seen = network_side(model, side)
            available = describe(*networks[backbone.model], seen)
        except UserError as error:
            problems.add(f"models.{backbone.model}: {error}")
            continue
        try:
            layers = select_layers(_selectors(backbone.layers, backbone.model), available)
        except UserError as error:
            problems.add(f"{key}.layers: {error}")
            continue
        if refused := [words for layer in layers if (words := unplaced(layer))]:
            problems.add(f"{key}.layers: {refused[0]}")
        rows = most_stimuli(study.stimuli[stimuli]) or 0 if stimuli in study.stimuli else 0
        widths = [reduced_width(layer, "none") for layer in layers]
        check_embedding(f"{key}.layers", f"{stimuli} by {backbone.model}", rows, widths, problems)
        found[name, stimuli] = layers
    return found


def _reduces(
    study: Study,
    analysis: Analysis,
    model: str,
    layers: list[dict[str, Any]],
    problems: Problems,
) -> bool:
    """Whether the reduction fits all layers; else the first of the others is told in words."""
    reduction = reduction_of(study, analysis.kind, model)
    refused = [words for layer in layers if (words := refusal(layer, reduction))]
    if refused:
        more = f" (and {len(refused) - 1} more such layers)" if len(refused) > 1 else ""
        where = "" if model.startswith(SWEPT) else f" for models.{model}"
        key = f"{analysis.kind}.reduction{where}"
        if model in study.activations:
            key = f"activations.{model}.reduction"
        problems.add(f"{key}: {refused[0]}{more}")
    return not refused


def _place(analysis: Analysis, model: str) -> str:
    """Where the config lists the layers of an analysis for a model, in words.

    The sweep's networks have the same layers: what is wrong is told once.
    """
    if isinstance(analysis.layers, dict):
        return f"{analysis.key}.{model}"
    return analysis.key if model.startswith(SWEPT) else f"{analysis.key} for models.{model}"


def _selectors(layers: Layers, model: str) -> list[str | dict[str, str]]:
    """What chooses a model's layers.

    Raises:
        UserError: layers are given by model, and for this one there are none.
    """
    if isinstance(layers, dict):
        if model not in layers:
            raise UserError(f"no layers for it; {nearest(model, layers)}")
        layers = layers[model]
    return [plain(item) for item in layers]


def _select_filters(study: Study, selected: Selected, problems: Problems) -> Selected:
    filtered = {}
    for analysis in filter_runs(study):
        for model, stimuli in analysis.runs:
            available = selected.get(("spectra", model, stimuli))
            if available is None:  # which is told already
                continue
            try:
                chosen = select_layers(_selectors(analysis.layers, model), available)
                filtered["filters", model, stimuli] = chosen
            except UserError as error:
                among = "coding.layers" if model.startswith(SWEPT) else "spectra.layers"
                by_model = isinstance(analysis.layers, dict)
                place = _place(analysis, model) if by_model else analysis.key
                problems.add(f"{place}: not among {among} for models.{model}: {error}")
    return filtered


def _captures(study: Study, selected: Selected) -> dict[tuple[str, str], list[dict[str, str]]]:
    wanted: dict[tuple[str, str], dict[tuple[int, str], dict[str, str]]] = {}
    for (stage, model, stimuli), layers in selected.items():
        reduction = reduction_of(study, stage, model)
        for layer in layers:
            item = {"layer": layer["name"], "reduction": reduction}
            wanted.setdefault((model, stimuli), {})[layer["depth"], reduction] = item
    return {run: [items[key] for key in sorted(items)] for run, items in wanted.items()}
