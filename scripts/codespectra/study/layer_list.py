"""The layers of a study's networks: what there is to choose from, and how large it is."""

from typing import Any

import pandas as pd

from codespectra.errors import UserError, nearest
from codespectra.models.identity import resolved
from codespectra.models.reductions import OF_MAPS, OF_TOKENS, WHOLE, reduced_width, refusal
from codespectra.study.implied import side_of
from codespectra.study.model_classes import classes_by_model
from codespectra.study.plan import network_side
from codespectra.study.problems import Problems
from codespectra.study.remembered import CountClasses, Describe
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import Study

REDUCTIONS = (*OF_MAPS, *OF_TOKENS, *WHOLE)
FLOAT = 4  # bytes
NONE = "-"


def list_layers(
    study: Study, model: str, side: int | None, describe: Describe, count_classes: CountClasses
) -> pd.DataFrame:
    """A row a call of a module, in running order.

    Args:
        study: that has the model.
        model: its name there.
        side: pixels of images that the network takes as they are; None: of the study's first set.
        describe, count_classes: of `remembered.cached_layers` and `cached_classes`.

    Returns:
        layer, type, axes (N stimuli, C channels, H height, W width, T tokens, ? unknown), prefix
        (tokens before the patches), shape of a stimulus' output, and for each reduction the bytes
        that a stimulus takes, `-` where it doesn't fit.

    Raises:
        UserError: the study has no such model, or it takes no images of that side.
    """
    if model not in study.models:
        raise UserError(f"--model: {model!r} is unknown; {nearest(model, study.models)}")
    spec = study.models[model]
    sides = [side_of(stimuli) for stimuli in study.stimuli.values()] or [224]
    seen = network_side(spec, side or sides[0])
    architecture = resolved(stage_config(spec.architecture))
    known = classes_by_model(study, {model: spec}, {model: architecture}, count_classes, Problems())
    found = describe(architecture, known[model], seen)
    return pd.DataFrame([_row(layer) for layer in found])


def _row(layer: dict[str, Any]) -> dict[str, Any]:
    sizes = {
        reduction: NONE if refusal(layer, reduction) else FLOAT * reduced_width(layer, reduction)
        for reduction in REDUCTIONS
    }
    told = {"layer": layer["name"], "type": layer["type"], "axes": layer["axes"]}
    shape = "x".join(map(str, layer["shape"]))
    return (
        told
        | {"prefix": NONE if layer["prefix"] is None else layer["prefix"], "shape": shape}
        | sizes
    )
