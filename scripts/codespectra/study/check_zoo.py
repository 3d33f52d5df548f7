"""Mistakes about the zoo that the config alone shows, but for its networks' names."""

from codespectra.experiments.further_options import LEFT_OUT, Options, too_few_images
from codespectra.models.reductions import EACH_TOKEN
from codespectra.study.check_scores import check_scored_set
from codespectra.study.implied import most_stimuli
from codespectra.study.problems import Problems
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import Study
from codespectra.study.sections.zoo import Zoo


def check_zoo(study: Study, zoo: Zoo, problems: Problems) -> None:
    """Add every mistake about what all networks are shown, and what is measured."""
    if zoo.folder is not None:
        problems.folder("zoo.folder", zoo.folder, "give the folder of the networks' weights")
    if not problems.known("zoo.stimuli", zoo.stimuli, study.stimuli):
        return
    if "exponent" in zoo.measures and study.spectra.reduction == EACH_TOKEN:
        problems.add(
            f"spectra.reduction: {EACH_TOKEN} is of networks with tokens alone, and the zoo has "
            "others; take another"
        )
    if zoo.scores:
        check_scored_set(study, zoo.stimuli, problems)
    most = most_stimuli(study.stimuli[zoo.stimuli])
    if "mis" in zoo.measures and most is not None:
        options = Options.of(stage_config(zoo.mis, top=0))
        for line in too_few_images(options, zoo.stimuli, most - int(LEFT_OUT * most), "zoo.mis"):
            problems.add(line)
