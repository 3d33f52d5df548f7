"""How many classes each model tells apart, which decides the size of its last layer."""

from typing import Any

from codespectra.errors import UserError
from codespectra.study.dropout_sweep import SWEPT, RecalibratedModel, VaeModel
from codespectra.study.implied import class_count, weights_file
from codespectra.study.problems import Problems
from codespectra.study.remembered import CountClasses
from codespectra.study.sections.models import (
    DownloadedModel,
    FileModel,
    HubModel,
    Model,
    TrainedModel,
)
from codespectra.study.sections.study import Study

# Of a study and those that it implies, by name.
Models = dict[str, Model | VaeModel | RecalibratedModel]


def classes_by_model(
    study: Study,
    models: Models,
    architectures: dict[str, dict[str, Any]],
    count_classes: CountClasses,
    problems: Problems,
) -> dict[str, int | None]:
    """Classes of each model: as given, those of its training set, or those of its weights' file.

    A file that can't be read is left to the job that imports it, which says what is wrong.
    """
    found: dict[str, int | None] = {}
    for name, model in models.items():
        found[name] = model.classes
        if name.startswith(SWEPT):
            found[name] = found[study.coding.encoder]
        elif isinstance(model, TrainedModel):
            found[name] = (
                model.classes or class_count(study.stimuli.get(model.training.train)) or None
            )
        elif isinstance(model, FileModel | DownloadedModel):
            there = _classes_of_weights(model, architectures[name], count_classes)
            if None not in (model.classes, there) and model.classes != there:
                problems.add(
                    f"models.{name}.classes: {model.classes}, but its weights have {there}; leave "
                    "it out, or take other weights"
                )
            found[name] = model.classes or there
    return found


def _classes_of_weights(
    model: FileModel | DownloadedModel, architecture: dict[str, Any], count_classes: CountClasses
) -> int | None:
    if isinstance(model, HubModel):  # the job that fetches it counts them
        return None
    try:
        if isinstance(model, DownloadedModel):
            return count_classes(architecture, None, None, None, None)
        path = weights_file(model)
        known = path.stat()
        stamp = [known.st_size, known.st_mtime_ns]
        return count_classes(architecture, str(path), model.key, model.strip_prefix, stamp)
    except (OSError, UserError):
        return None
