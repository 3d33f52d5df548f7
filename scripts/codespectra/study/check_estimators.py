"""Estimators and windows for which a run has too few stimuli, or a layer too few units."""

from codespectra.spectra.least_sizes import OF_WINDOW, least_sizes
from codespectra.study.problems import Problems
from codespectra.study.sections.analyses import Spectra
from codespectra.study.sections.study import Study

# What these say in their notes where a layer is too small for one.
BY_DEFAULT = Spectra.model_fields["estimators"].default


def check_estimators(
    study: Study, where: str, rows: int | None, units: int, problems: Problems
) -> None:
    """Add each estimator that a run can't have.

    Args:
        study: whose estimators they are; those of the default only tell it in their notes.
        where: the run in words.
        rows: its stimuli or tokens; None where that isn't known.
        units: of its widest layer.
        problems: what is added to.
    """
    first, last = study.spectra.ranks
    needs, named = least_sizes((first, last)), study.spectra.estimators
    for name in () if named == BY_DEFAULT else named:
        least = needs[name]
        if (rows is None or rows >= least[0]) and units >= least[1]:
            continue
        found = f"{units} units" if rows is None else f"{rows} and {units}"
        of_window = f" for ranks {window(study)}" if name in OF_WINDOW else ""
        lower = ", lower spectra.ranks" if name in OF_WINDOW else ""
        problems.add(
            f"spectra.estimators: {name} needs {least[0]} stimuli and {least[1]} units{of_window}, "
            f"and {where} has {found} at most; leave it out{lower}, or take a larger set or layers"
        )


def check_text_window(
    study: Study, model: str, tokens: int, units: int, problems: Problems
) -> None:
    """Add a window of ranks that lies outside the spectrum of a model's widest layer on text."""
    first, last = study.spectra.ranks
    if first + 4 > units or last > tokens - 1:
        problems.add(
            f"spectra.ranks: window {window(study)} lies outside the spectrum of {model} on text: "
            f"{tokens} tokens, and {units} units in the widest layer; lower it"
        )


def window(study: Study) -> str:
    """The rank window as messages show it."""
    return "{}..{}".format(*study.spectra.ranks)
