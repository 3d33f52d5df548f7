"""Mistakes that only the chosen layers of a study show: windows, counts, sizes."""

from typing import Any

from codespectra.models.reductions import EACH_TOKEN, reduced_width, unit_count
from codespectra.study.check_estimators import check_estimators, window
from codespectra.study.check_scores import check_count
from codespectra.study.check_sizes import check_activations
from codespectra.study.dropout_sweep import SWEPT
from codespectra.study.implied import methods_of, most_images, most_stimuli, reduction_of
from codespectra.study.problems import Problems
from codespectra.study.recorded import Recorded
from codespectra.study.sections.study import Study

# Layers by kind of analysis, model and stimuli.
Selected = dict[tuple[str, str, str], list[dict[str, Any]]]


def check_layers(
    study: Study,
    selected: Selected,
    recorded: dict[str, Recorded],
    methods: dict[str, dict[str, Any]],
    problems: Problems,
) -> None:
    """Add what doesn't fit the layers of the analyses."""
    for (stage, model, stimuli), layers in selected.items():
        found = recorded.get(model)
        most = found.stimuli if found else most_stimuli(study.stimuli[stimuli])
        if stage == "spectra":
            _check_spectra(study, model, stimuli, layers, found, problems)
        if stage == "directions":
            run = study.directions.by_run[model, stimuli]
            counted = most if found else most_images(study.stimuli[stimuli])
            for layer in layers:
                for name in methods_of(study, model, stimuli):
                    check_count(methods[name], layer, run, counted, study, problems)
        widths = [reduced_width(layer, reduction_of(study, stage, model)) for layer in layers]
        key = f"activations.{model}" if found else stage
        key = "coding.layers" if model.startswith(SWEPT) else f"{key}.layers"
        check_activations(key, f"{model} on {stimuli}", most or 0, widths, problems)


def _check_spectra(
    study: Study,
    model: str,
    stimuli: str,
    layers: list[dict[str, Any]],
    found: Recorded | None,
    problems: Problems,
) -> None:
    first, last = study.spectra.ranks
    reduction = reduction_of(study, "spectra", model)
    widest = max(unit_count(layer, reduction) for layer in layers)
    if first + 4 > widest:
        swapped = "; are stimuli its columns? then set transposed: true" if found else ""
        problems.add(
            f"spectra.ranks: window {window(study)} lies outside the spectrum: the widest "
            f"layer of {model} on {stimuli} keeps {widest} units{swapped}"
        )
    most = found.stimuli if found else most_stimuli(study.stimuli[stimuli])
    # Tokens are rows too, and there may be many of a stimulus.
    rows = None if reduction == EACH_TOKEN else most
    check_estimators(study, f"{model} on {stimuli}", rows, widest, problems)
    if found and reduction != EACH_TOKEN and last > found.stimuli - 1:
        swapped = (
            f"; are its {widest} units stimuli? then set transposed: true" if widest > last else ""
        )
        problems.add(
            f"spectra.ranks: window {window(study)} lies outside the spectrum of {model}: "
            f"{found.stimuli} stimuli give at most {found.stimuli - 1} ranks{swapped}"
        )
