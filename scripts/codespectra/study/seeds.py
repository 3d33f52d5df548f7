"""A model with `seeds` is as many networks, NAME-s0, …, which only their seeds tell apart."""

from collections.abc import Iterable
from typing import Any

from codespectra.study.dropout_sweep import RECALIBRATED, SWEPT, networks
from codespectra.study.problems import Problems
from codespectra.study.sections.analyses import Analysed, Filters
from codespectra.study.sections.base import check_product
from codespectra.study.sections.coding import Coding
from codespectra.study.sections.directions import Directions
from codespectra.study.sections.index import Backbone, NetworkBackbone
from codespectra.study.sections.interpretability import Interpretability
from codespectra.study.sections.models import Model, TrainedModel
from codespectra.study.sections.study import Study


def replicates(study: Study) -> dict[str, dict[str, Any]]:
    """Networks of several seeds by name: `base` is what they share, `seed` what tells them apart.

    Those of a study of `one_network_a_seed`, which share a model, and the dropout sweep's, which
    share dropout and statistics.
    """
    found = {}
    for name, model in study.models.items():
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
    seeded = {name: _networks(name, model) for name, model in study.models.items()}
    every = _Every({name: [*found] for name, found in seeded.items()}, problems)
    _check_names(study, seeded, problems)
    return study.model_copy(
        update={
            "models": {name: one for found in seeded.values() for name, one in found.items()},
            "spectra": every.analysed("spectra", study.spectra),
            "projections": every.analysed("projections", study.projections),
            "filters": every.filters(study.filters),
            "directions": study.directions and every.directions(study.directions),
            "backbones": {n: every.backbone(n, one) for n, one in study.backbones.items()},
            "interpretability": study.interpretability
            and every.interpretability(study.interpretability),
            "coding": study.coding and every.coding(study.coding),
        }
    )


def _seeds(model: Model) -> tuple[int, ...]:
    return getattr(model, "seeds", None) or ()


def _networks(name: str, model: Model) -> dict[str, Model]:
    """A model's networks by name, each of one seed; or itself."""
    found = {}
    for seed in _seeds(model):
        own: dict[str, Any] = {"seed": seed}
        if isinstance(model, TrainedModel):
            own = {"training": model.training.model_copy(update=own)}
        found[f"{name}-s{seed}"] = model.model_copy(update={"seeds": (seed,)} | own)
    return found or {name: model}


def _check_names(study: Study, seeded: dict[str, dict[str, Model]], problems: Problems) -> None:
    language = study.language.models if study.language else {}
    others = {
        "another model": study.models,
        "a set of activations": study.activations,
        "a language model": language,
    }
    for name, found in seeded.items():
        model = study.models[name]
        for network in (name, *found) if _seeds(model) else ():
            for kind, taken in others.items():
                if network in taken and taken[network] is not model:
                    problems.add(
                        f"models.{name}.seeds: {network} is the name of {kind} too; take another "
                        "for one of them"
                    )


class _Every:
    """Sections with all networks of the models that they name."""

    def __init__(self, of: dict[str, list[str]], problems: Problems) -> None:
        self.of = of
        self.problems = problems

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

    def analysed(self, key: str, section: Analysed) -> Analysed:
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

    def _count(self, key: str, runs: Iterable[Any]) -> None:
        try:
            check_product(key, [*runs])
        except ValueError as error:
            self.problems.add(str(error))
