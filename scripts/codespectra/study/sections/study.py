"""The study's config: pydantic models that refuse what they don't know, before any job runs.

A field marked `RUNTIME` says how a job runs, not what it computes; it never reaches `params` and
so never reruns anything.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from codespectra.errors import UserError, nearest
from codespectra.study.sections.analyses import (
    Capture,
    Filters,
    LayerInput,
    LayerType,
    Projections,
    Spectra,
)
from codespectra.study.sections.base import (
    MISSING,
    RUNTIME,
    Batch,
    Name,
    Strict,
)
from codespectra.study.sections.coding import Coding
from codespectra.study.sections.directions import Directions
from codespectra.study.sections.index import Backbone, Claims, Figures, Index
from codespectra.study.sections.interpretability import Interpretability
from codespectra.study.sections.language import Language
from codespectra.study.sections.models import Model
from codespectra.study.sections.people import People
from codespectra.study.sections.recorded import RecordedActivations, shown_set
from codespectra.study.sections.robustness import Robustness
from codespectra.study.sections.stimuli import Stimuli
from codespectra.study.sections.theory import Theory
from codespectra.study.sections.zoo import Zoo


class Runtime(Strict):
    """How jobs run. Nothing here changes a result, so nothing here makes anything run again."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", json_schema_extra=RUNTIME)
    """auto: a GPU when there is one; cpu; cuda: an error at once when there is none."""
    batch: Batch = Field(32, json_schema_extra=RUNTIME)
    """Images in a forward pass (capture and embedding). A GPU wants more, such as 128."""
    sequences: Batch = Field(32, json_schema_extra=RUNTIME)
    """Sequences of text in a forward pass."""


class Study(Strict):
    """A whole study: what config.yaml holds.

    A section that nothing in the study uses may be missing.
    """

    study: Name
    """Name of the study: the folder of its figures, and part of every figure's title."""
    runtime: Runtime = Runtime()
    stimuli: dict[Name, Stimuli] = Field({})
    """Stimulus sets by name. Sources: photographs, photograph_tiles, cifar10, cifar100, folder,
    moving_dot."""
    models: dict[Name, Model] = Field({})
    """Networks by name. Weights: train (by the workflow), path (your own file), package (a file
    in one), own (those that it comes with), torchvision or hub (download), random (untrained)."""
    activations: dict[Name, RecordedActivations] = Field({})
    """Activations that files hold, by name: they take the place of a network's capture."""
    capture: Capture = Capture()
    spectra: Spectra = Spectra()
    filters: Filters | None = Filters()
    projections: Projections = Projections()
    directions: Directions | None = None
    backbones: dict[Name, Backbone] = Field({})
    """Perceptual backbones by name. Kinds: network (layers of a network above; heads all 1;
    never LPIPS), imagenet (LPIPS; torchvision downloads AlexNet), path (the same from your file),
    random, embeddings (a file of rows, one an image), dreamsim (DreamSim, from your folder).
    """
    index: Index = Index()
    interpretability: Interpretability | None = None
    people: People | None = None
    coding: Coding | None = None
    language: Language | None = None
    theory: Theory | None = None
    robustness: Robustness | None = None
    zoo: Zoo | None = None
    claims: Claims = Claims()
    figures: Figures = Figures()

    @field_validator("filters")
    @classmethod
    def _switched_off(cls, filters: Filters | None) -> Filters:
        return filters or Filters()

    @field_validator("directions")
    @classmethod
    def _of_activations(
        cls, directions: Directions | None, info: ValidationInfo
    ) -> Directions | None:
        """Runs of activations from files become runs like others."""
        known = info.data.get("activations", {})
        if directions is None:
            return None
        runs = tuple(
            run.model_copy(update={"model": name, "stimuli": shown_set(known, name)})
            if (name := run.activations)
            else run
            for run in directions.runs
        )
        return directions.model_copy(update={"runs": runs})


def load_study(config: dict[str, Any]) -> Study:
    """Validate a config read from YAML; cross-references are checked by `plan.make_plan`.

    Raises:
        UserError: one line a mistake: the key's path, what was found, what is allowed.
    """
    bombs = [key for key, values in config.items() if _holds_too_much(values)]
    if bombs:
        raise UserError(
            f"config: {bombs[0]}: over {MOST_VALUES} values, those of anchors at each of their "
            "places; name fewer"
        )
    try:
        return Study.model_validate(config)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        lines = [_explain(p, config) for p in problems if not _follows(p, problems)]
        raise UserError("config: " + "\nconfig: ".join(dict.fromkeys(lines))) from error


def _holds_too_much(values: Any) -> bool:
    """Whether lists and sections hold more than a study can, what is repeated counted each time."""
    count, left = 0, [values]
    while left and count <= MOST_VALUES:
        found = left.pop()
        count += 1
        if isinstance(found, dict | list):
            left += found.values() if isinstance(found, dict) else found
    return count > MOST_VALUES


def _follows(problem: Any, problems: list[Any]) -> bool:
    """Whether a list is told to be too short only because its items are wrong."""
    at = problem["loc"]
    return problem["type"] == "too_short" and any(
        other["loc"][: len(at)] == at and other is not problem for other in problems
    )


def _explain(problem: Any, config: dict[str, Any]) -> str:
    where = ".".join(_path(problem["loc"], config)) or "top level"
    message = problem["msg"].removeprefix("Value error, ")
    # What a section says of one of its own keys.
    key = re.match(r"(\w+): ", message)
    if problem["type"] == "value_error" and key:
        where, message = f"{where}.{key[1]}", message[key.end() :]
    if problem["type"] == "missing":
        return f"{where}: {MISSING}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key; {problem['input']}"
    if problem["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        context = problem["ctx"]
        where += "." + context["discriminator"].strip("'")
        if "tag" not in context:
            return f"{where}: {MISSING}"
        allowed = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        return f"{where}: {context['tag']!r} is unknown; {nearest(context['tag'], allowed)}"
    found = problem.get("input")
    shown = "" if isinstance(found, dict | BaseModel) else f" (found {_shown(found)})"
    if problem["type"] in {"int_type", "float_type"} and _reads_as_number(found):
        shown += "; write numbers without quotes, and 1e-3 as 0.001"
    if problem["type"] == "string_type" and isinstance(found, int | float):
        shown += "; put it in quotes if it is a word"
    return f"{where}: {message}{shown}"


def _shown(found: Any) -> str:
    try:
        shown = repr(found)
    except ValueError:  # Python writes no more than 4300 digits
        return "a huge number"
    return shown if len(shown) <= 100 else f"{shown[:99]}…"


def _reads_as_number(found: Any) -> bool:
    """Whether a text is one by its quotes alone, or since YAML 1.1 takes 1e-3 for a text."""
    try:
        return isinstance(found, str) and bool(float(found) + 1)
    except ValueError:
        return False


def _path(location: tuple[Any, ...], config: Any) -> list[str]:
    """Keys as the user wrote them: pydantic also lists the member of each union that it entered."""
    path, here, entered = [], config, False
    for part in location:
        is_tag = isinstance(here, dict) and part in [here.get(tag) for tag in _TAGS]
        in_selectors = path[-2:-1] in (["layers"], ["filters"]) or "parts" in path[-4:-2]
        if (is_tag and not entered) or (in_selectors and part in _SELECTORS):
            entered = is_tag
            continue
        if part == "[key]" or part in _FORMS:  # of a name, which is told already
            continue
        path.append(str(part))
        entered = False
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = None
    return path


# Some hundred are usual.
MOST_VALUES = 100_000
_TAGS = ("name", "weights", "source", "kind")
# No key has blanks.
_FORMS = (
    *("of all models", "by model", "given here", "from model", "one set", "several sets"),
    *("keys", "keys by layer"),
)
_SELECTORS = (LayerType.__name__, LayerInput.__name__, str.__name__)
