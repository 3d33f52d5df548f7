"""Mistakes in the language study that config, config.json or environment shows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from codespectra.data.docstrings import installed
from codespectra.errors import UserError
from codespectra.models.gguf_header import GGUF_FILE, check_readers, read_header
from codespectra.models.layer_selection import select_layers
from codespectra.models.model_folders import (
    CONFIG,
    byte_gpt2_config,
    check_folder,
    read_config,
)
from codespectra.study.check_estimators import check_estimators, check_text_window
from codespectra.study.check_sizes import check_activations
from codespectra.study.implied import weights_file
from codespectra.study.problems import Problems
from codespectra.study.sections.analyses import plain
from codespectra.study.sections.language import (
    Docstrings,
    Explanations,
    GgufLanguageModel,
    HubLanguageModel,
    Language,
    LanguageModel,
    LocalLanguageModel,
    TextFolder,
    TrainedLanguageModel,
    UntrainedLanguageModel,
)
from codespectra.study.sections.study import Study

# Layers of a transformers config (config.json) and objective, in running order.
DescribeLanguageModel = Callable[[dict[str, Any], str], list[dict[str, Any]]]

# How configs of transformers call the tokens that a model sees at most.
CONTEXT_KEYS = ("n_positions", "max_position_embeddings")

# Of a transformers config: modules that would be made one by one, and what else it counts.
COUNTED = ("layer", "layers", "experts", "block_count", "expert_count")
MOST_LAYERS, MOST_OF_ANYTHING = 1000, 10**9

# What the explainer `openai` takes from the environment.
CHAT_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL")
# Numbers a token in each part of a language model, by its name.
Widths = dict[str, dict[str, int]]


def check_language(
    study: Study,
    language: Language,
    describe: DescribeLanguageModel,
    problems: Problems,
    environment: Mapping[str, str],
) -> Widths:
    """Add every mistake about the language study; returns the widths of models that are known."""
    if "text" in study.stimuli:
        problems.add("stimuli.text: the name is kept for the language study; take another")
    if isinstance(language.text, TextFolder):
        problems.folder("language.text.root", language.text.root, "give a folder of text files")
    if isinstance(language.text, Docstrings):
        _check_packages(language.text, problems)
    if language.passage >= language.sequences:
        problems.add(
            f"language.passage: {language.passage} lies outside the {language.sequences} "
            "sequences, counted from 0; lower it"
        )
    widths: Widths = {}
    for name, model in language.models.items():
        if name in study.models:
            problems.add(f"language.models.{name}: the name stands under models too; take another")
        if found := _check_model(name, model, study, describe, problems):
            widths[name] = found
    _check_parts(language, problems)
    _check_explanations(study, language, language.explanations, problems)
    if language.explanations.explainers.openai is not None:
        _check_environment(environment, problems)
    like = {name: getattr(model, "like", name) for name, model in language.models.items()}
    return {name: widths[other] for name, other in like.items() if other in widths}


def _check_packages(text: Docstrings, problems: Problems) -> None:
    for package in text.packages:
        try:
            installed(package)
        except UserError as error:
            problems.add(str(error))


def _check_parts(language: Language, problems: Problems) -> None:
    names = [n for n, m in language.models.items() if not isinstance(m, UntrainedLanguageModel)]
    given = language.parts_by_model
    for name in given:
        problems.known("language.parts", name, names)
    missing = [name for name in names if name not in given]
    if missing and given.keys() <= set(names):  # a misspelt one is told already
        problems.add(f"language.parts: given by model, and none for {missing[0]}; name it too")


def _check_model(
    name: str,
    model: LanguageModel,
    study: Study,
    describe: DescribeLanguageModel,
    problems: Problems,
) -> dict[str, int]:
    """Numbers a token in each part, of all its layers; empty if that isn't known."""
    key, language = f"language.models.{name}", study.language
    if isinstance(model, UntrainedLanguageModel):
        others = [n for n, m in language.models.items() if not isinstance(m, type(model))]
        problems.known(f"{key}.like", model.like, others)
        return {}
    try:
        config = known_config(model)
    except UserError as error:
        where = key if isinstance(model, GgufLanguageModel) else f"{key}.path"
        problems.add(f"{where}: {error}")
        return {}
    if config is None:
        return {}
    contexts = [config[field] for field in CONTEXT_KEYS if _is_limit(config.get(field))]
    if contexts and language.length > min(contexts):
        problems.add(
            f"language.length: {language.length} is more than the {min(contexts)} tokens that "
            f"{name} sees; lower it"
        )
    try:
        available = describe(config, getattr(model, "objective", "causal"))
    except UserError as error:
        problems.add(f"{key}: {error}")
        return {}
    widths, widest = {}, 0
    if name not in language.parts_by_model:  # which is told already
        return {}
    for part, selectors in language.parts_of(name).items():
        try:
            chosen = select_layers([plain(selector) for selector in selectors], available)
            of_layers = [layer["shape"][-1] for layer in chosen]
            widths[part], widest = sum(of_layers), max(widest, *of_layers)
        except UserError as error:
            problems.add(f"language.parts.{part} for {key}: {error}")
    tokens = language.sequences * language.length
    what = f"{tokens} tokens of {name}"
    check_activations("language.sequences", what, tokens, widths.values(), problems)
    if widths:
        check_text_window(study, name, tokens, widest, problems)
        check_estimators(study, f"{name} on text", tokens, widest, problems)
    return widths


def _is_limit(context: Any) -> bool:
    """Whether a number of tokens; some models say -1, and have none."""
    return isinstance(context, int) and context > 0


def known_config(model: LanguageModel) -> dict[str, Any] | None:
    """A model's transformers config as far as it is on this machine, None for one on the hub.

    Raises:
        UserError: a folder lacks files that a model needs, or a GGUF file can't be read.
    """
    if isinstance(model, HubLanguageModel):
        return None
    if isinstance(model, LocalLanguageModel):
        check_folder(model.path)
        config = read_config(model.path)
        _refuse_huge(config, model.path / CONFIG)
        return config
    if isinstance(model, GgufLanguageModel):
        return _gguf_config(weights_file(model))
    assert isinstance(model, TrainedLanguageModel)
    return byte_gpt2_config(model.architecture.model_dump())


def _gguf_config(file: Path) -> dict[str, Any]:
    """What stands for the config of a GGUF file's network, for `gguf_models.describe_layers`."""
    check_readers()
    header = read_header(file)
    _refuse_huge(header.network, file)
    limit = {"max_position_embeddings": header.network.get("context_length")}
    return {GGUF_FILE: str(file), "values": header.values} | limit


def _refuse_huge(config: dict[str, Any], source: Path) -> None:
    if found := _huge(config):
        raise UserError(f"{source}: {found}, more than any language model has")


def _huge(config: dict[str, Any]) -> str | None:
    """The first number of a transformers config, or of one in it, that no machine could build."""
    for key, value in config.items():
        most = MOST_LAYERS if key.endswith(COUNTED) else MOST_OF_ANYTHING
        if isinstance(value, dict) and (found := _huge(value)):
            return f"{key}.{found}"
        if isinstance(value, int) and value > most:
            return f"{key} is over {most}"
    return None


def _check_explanations(
    study: Study, language: Language, explanations: Explanations, problems: Problems
) -> None:
    key = "language.explanations"
    parts = {part: None for own in language.parts_by_model.values() for part in own}
    problems.known(f"{key}.part", explanations.part, parts)
    excerpts = explanations.top + explanations.random
    if excerpts > language.sequences:
        problems.add(
            f"{key}: top and random are {excerpts} excerpts, but language.sequences is "
            f"{language.sequences}; lower them or raise it"
        )
    if explanations.units > study.projections.draws:
        problems.add(
            f"{key}.units: {explanations.units} is more than the {study.projections.draws} "
            "projections that are drawn; lower it or raise projections.draws"
        )
    if explanations.published is not None:
        advice = "give a folder of scored explanations"
        problems.folder(f"{key}.published", explanations.published, advice)


def _check_environment(environment: Mapping[str, str], problems: Problems) -> None:
    missing = [name for name in CHAT_VARIABLES if not environment.get(name)]
    if missing:
        problems.add(
            f"language.explanations.explainers.openai: {', '.join(missing)} not set in the "
            "environment; set them, or openai: null"
        )


def chat_models(environment: Mapping[str, str]) -> dict[str, str]:
    """Which models explain and simulate: they come from the environment, and results follow."""
    explainer = environment["OPENAI_MODEL"]
    simulator = environment.get("OPENAI_SIMULATOR_MODEL") or explainer
    return {"explainer_model": explainer, "simulator_model": simulator}
