"""Activations from files, as far as a plan must know them before any job."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codespectra.capture.recorded_rows import FileRows, ShownStimuli, match_rows
from codespectra.data.image_layout import find_images
from codespectra.data.image_table import read_image_table
from codespectra.errors import UserError
from codespectra.models.recorded_layers import recorded_layers
from codespectra.study.implied import most_stimuli
from codespectra.study.problems import Problems
from codespectra.study.sections.stimuli import ImageFolder, PhotographTiles
from codespectra.study.sections.study import Study

# What a file holds: its path, `RecordedActivations.options`, and the table of its rows if any.
DescribeRecorded = Callable[[Path, dict[str, Any], Path | None], dict[str, Any]]


@dataclass(frozen=True)
class Recorded:
    """A set of activations from a file.

    Attributes:
        layers: as a network's are described.
        stimuli: how many there are, at most: rows with NaN may be left out.
        repeats: how often each was shown.
        stamp: digest of the file's and the table's contents.
    """

    layers: list[dict[str, Any]]
    stimuli: int
    repeats: int
    stamp: str


def describe_sets(
    study: Study, describe: DescribeRecorded, problems: Problems
) -> dict[str, Recorded]:
    """Every set of activations by name; of what is wrong with one its key is told."""
    found = {}
    for name, section in study.activations.items():
        key = f"activations.{name}"
        try:
            told = describe(section.file, section.options(), section.table)
        except UserError as error:
            problems.add(f"{key}: {error}")
            continue
        try:
            layers = recorded_layers(dict(told["layers"]), section.axes, section.prefix)
            shown = shown_stimuli(study, section.stimuli)
            count, columns, *_ = told["layers"][0][1]
            rows = FileRows(count, told["ids"], told["repeats"], columns)
            known = shown is not None or section.stimuli is None
            # Of a set whose count only its images tell, the job matches them.
            matched = match_rows(rows, section.rows, shown) if known else None
        except UserError as error:
            problems.add(f"{key}.{error}")
            continue
        stimuli = matched.stimuli if matched else rows.count
        found[name] = Recorded(layers, stimuli, matched.repeats if matched else 1, told["stamp"])
    return found


def shown_stimuli(study: Study, name: str | None) -> ShownStimuli | None:
    """What is known beforehand of the set that was shown; None: nothing, or there is none."""
    spec = study.stimuli.get(name)
    if spec is None or isinstance(spec, PhotographTiles):
        return None
    if isinstance(spec, ImageFolder):
        return _of_folder(name, spec)
    return ShownStimuli(name, most_stimuli(spec))


def _of_folder(name: str, spec: ImageFolder) -> ShownStimuli | None:
    try:
        if spec.table is None:
            return ShownStimuli(name, len(find_images(str(spec.root), Counter())[0][: spec.limit]))
        table = read_image_table(spec.root, spec.table)
    except (UserError, OSError):  # told where the set is checked, or by its own job
        return None
    ids = table.ids[: spec.limit]
    presentations = [row for row in table.presentations if row[0] < len(ids)]
    return ShownStimuli(name, len(ids), ids, presentations)
