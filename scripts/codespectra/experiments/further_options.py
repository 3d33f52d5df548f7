"""Options of the further scores, and whether a set has images enough for them.

Apart from the scores themselves, since every start of the workflow checks the sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# Random groups of images, of which intervals draw two thirds; the share that this leaves out at
# least, of any number of groups.
GROUPS, LEFT_OUT = 30, 1 / 5
MIS, MIS_LIMIT, MONOSEMANTICITY = "mis", "mis_limit", "monosemanticity"
CLARITY, POLYSEMANTICITY, REDUNDANCY = "clarity", "polysemanticity", "redundancy"
# As figures and pages call them; others as they are.
NAMES = {MIS: "MIS", MIS_LIMIT: "MIS, steep"}


@dataclass(frozen=True)
class Options:
    """Of MIS: `references` of either end, `trials`, `slope`; the `top`; `resamples` of the images.

    `seed` pairs the queries, and draws the resamples.
    """

    references: int
    trials: int
    slope: float
    top: int
    resamples: int
    seed: int

    @classmethod
    def of(cls, cfg: Mapping[str, Any]) -> "Options":
        """From a stage's config; other keys are ignored."""
        return cls(**{field.name: cfg[field.name] for field in fields(cls)})

    @property
    def of_trials(self) -> int:
        """Images that the trials of a direction show."""
        return 2 * (self.references + self.trials)

    def exciting(self, score: str) -> int:
        """Images that must respond above a direction's lowest response, or it is `rare`."""
        of_trials = {MIS: self.references, MIS_LIMIT: self.references, MONOSEMANTICITY: 2}
        return of_trials.get(score, self.top)


def too_few_images(
    options: Options, stimuli: str, left: int, key: str = "interpretability.further_scores"
) -> list[str]:
    """A line for each option that takes more images than a subsample of the set has.

    Args:
        options: of the scores.
        stimuli: name of the set.
        left: images of the smallest subsample, at most.
        key: of the config that has the options.
    """
    asked = {"trials and references take": options.of_trials, "top takes": options.top}
    return [
        f"{key}: {what} {taken} images, but two thirds of the groups of "
        f"{stimuli}, on which intervals rest, have {left} at most; lower them, or take a larger set"
        for what, taken in asked.items()
        if taken > left
    ]
