"""A model with `seeds` is as many networks, NAME-s0, …, which only their seeds tell apart."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from codespectra.study.dropout_sweep import RECALIBRATED, SWEPT, networks
from codespectra.study.problems import Problems
from codespectra.study.sections.analyses import Filters
from codespectra.study.sections.base import check_product
from codespectra.study.sections.coding import Coding
from codespectra.study.sections.directions import Directions
from codespectra.study.sections.index import Backbone, NetworkBackbone
from codespectra.study.sections.interpretability import Interpretability
from codespectra.study.sections.language import Language, LanguageModel, UntrainedLanguageModel
from codespectra.study.sections.models import Model
from codespectra.study.sections.robustness import Robustness
from codespectra.study.sections.study import Study

AnyKind = TypeVar("AnyKind", Model, LanguageModel)


def replicates(study: Study) -> dict[str, dict[str, Any]]:
    """Networks of several seeds by name: `base` is what they share, `seed` what tells them apart.

    Those of a study of `one_network_a_seed`, which share a model, and the dropout sweep's, which
    share dropout and statistics.
    """
    found = {}
    for name, model in (study.models | _language_models(study)).items():
        for seed in _seeds(model):
            found[name] = {"base": name.removesuffix(f"-s{seed}"), "seed": seed}
    for name, network in networks(study.coding).items():
        recalibrated = f"-{RECALIBRATED}" if network.statistics == RECALIBRATED else ""
        base = f"{SWEPT}dropout{network.dropout:g}{recalibrated}"
        found[name] = {"base": base, "seed": network.seed}
    return found


def first_of_each(study: Study, runs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of (model, stimuli) pairs those of the first seed, where only their seeds tell them apart."""
    known, found = replicates(study), {}
    for model, stimuli in runs:
        base = known[model]["base"] if model in known else model
        found.setdefault((base, stimuli), (model, stimuli))
    return [*found.values()]


def one_network_a_seed(study: Study, problems: Problems) -> Study:
    """The study with each network of several seeds as a model of its own, of that one seed.

    A section that names the model means all its networks; one that needs a single network names
    that. Names that are taken, and runs that are too many, are added to `problems`.
    """
    every = _Every({name: [*_networks(name, one)] for name, one in study.models.items()}, problems)
    _check_names("models", study.models, study, problems)
    _check_names("language.models", _language_models(study), study, problems)
    return study.model_copy(
        update={
            "models": _each(study.models),
            "spectra": every.analysed("spectra", study.spectra),
            "projections": every.analysed("projections", study.projections),
            "filters": every.filters(study.filters),
            "directions": study.directions and every.directions(study.directions),
            "backbones": {n: every.backbone(n, one) for n, one in study.backbones.items()},
            "interpretability": study.interpretability
            and every.interpretability(study.interpretability),
            "coding": study.coding and every.coding(study.coding),
            "robustness": study.robustness and every.robustness(study.robustness),
            "language": study.language and _language(study.language),
        }
    )


def _language_models(study: Study) -> dict[str, LanguageModel]:
    return study.language.models if study.language else {}


def _seeds(model: Model | LanguageModel) -> tuple[int, ...]:
    return getattr(model, "seeds", None) or ()


def _networks(name: str, model: AnyKind) -> dict[str, AnyKind]:
    """A model's networks by name, each of one seed; or itself."""
    found = {}
    for seed in _seeds(model):
        own: dict[str, Any] = {"seed": seed}
        if hasattr(model, "training"):
            own = {"training": model.training.model_copy(update=own)}
        found[f"{name}-s{seed}"] = model.model_copy(update={"seeds": (seed,)} | own)
    return found or {name: model}


def _each(models: dict[str, AnyKind]) -> dict[str, AnyKind]:
    return {one: m for name, model in models.items() for one, m in _networks(name, model).items()}


def _language(section: Language) -> Language:
    """With each network of several seeds as a model; an untrained one is like the first of them."""
    every = _Every({name: [*_networks(name, one)] for name, one in section.models.items()})
    models = {
        name: model.model_copy(update={"like": every.names([model.like])[0]})
        if isinstance(model, UntrainedLanguageModel)
        else model
        for name, model in _each(section.models).items()
    }
    by_model = section.parts_by_model is section.parts
    parts = every.by_model(section.parts) if by_model else section.parts
    return section.model_copy(update={"models": models, "parts": parts})


def _check_names(key: str, models: Mapping[str, Any], study: Study, problems: Problems) -> None:
    """Add names of networks of several seeds, and what they share, that something else has."""
    others: dict[str, Mapping[str, Any]] = {
        "a model": study.models,
        "a set of activations": study.activations,
        "a language model": _language_models(study),
    }
    for name, model in models.items():
        for network in (name, *_networks(name, model)) if _seeds(model) else ():
            for kind, taken in others.items():
                if network in taken and taken[network] is not model:
                    problems.add(
                        f"{key}.{name}.seeds: {network} is the name of {kind} too; take another "
                        "for one of them"
                    )


class _Every:
    """Sections with all networks of the models that they name."""

    def __init__(self, of: dict[str, list[str]], problems: Problems | None = None) -> None:
        self.of = of
        self.problems = problems or Problems()

    def names(self, models: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for name in models for one in self.of.get(name, [name])))

    def by_model(self, choice: Any) -> Any:
        """What is chosen for each model; a network that is named itself has its own."""
        if not isinstance(choice, dict):
            return choice
        spread = {one: chosen for name, chosen in choice.items() for one in self.names([name])}
        return spread | {name: choice[name] for name in choice if name in spread}

    def one(self, key: str, name: str) -> str:
        found = self.names([name])
        if len(found) > 1:
            self.problems.add(f"{key}: {name} is {len(found)} networks; name one, as {found[0]}")
        return found[0]

    def analysed(self, key: str, section: Any) -> Any:
        spread = section.model_copy(
            update={
                "models": self.names(section.models),
                "stimuli": self.by_model(section.stimuli),
                "layers": self.by_model(section.layers),
            }
        )
        self._count(f"{key}.models and stimuli", spread.runs)
        return spread

    def filters(self, section: Filters) -> Filters:
        return section.model_copy(update={"layers": self.by_model(section.layers)})

    def directions(self, section: Directions) -> Directions:
        own = {(run.model, run.stimuli) for run in section.runs}
        runs = tuple(
            run.model_copy(update={"model": one})
            for run in section.runs
            for one in self.names([run.model])
            if one == run.model or (one, run.stimuli) not in own
        )
        self._count("directions.runs", runs)
        return section.model_copy(update={"runs": runs, "layers": self.by_model(section.layers)})

    def backbone(self, name: str, section: Backbone) -> Backbone:
        if not isinstance(section, NetworkBackbone):
            return section
        return section.model_copy(
            update={"model": self.one(f"backbones.{name}.model", section.model)}
        )

    def interpretability(self, section: Interpretability) -> Interpretability:
        models = section.models and self.names(section.models)
        return section.model_copy(update={"models": models})

    def coding(self, section: Coding) -> Coding:
        return section.model_copy(update={"encoder": self.one("coding.encoder", section.encoder)})

    def robustness(self, section: Robustness) -> Robustness:
        spread = {
            name: part.model_copy(update={"models": part.models and self.names(part.models)})
            for name in ("attacks", "noise")
            if (part := getattr(section, name)) is not None
        }
        return section.model_copy(update=spread)

    def _count(self, key: str, runs: Iterable[Any]) -> None:
        try:
            check_product(key, [*runs])
        except ValueError as error:
            self.problems.add(str(error))
