"""Options of the further scores, and whether a set has images enough for them.

Apart from the scores themselves, since every start of the workflow checks the sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# Random groups of images of which intervals leave out one at a time.
FOLDS = 20
MIS, MIS_LIMIT, MONOSEMANTICITY = "mis", "mis_limit", "monosemanticity"
CLARITY, POLYSEMANTICITY, REDUNDANCY = "clarity", "polysemanticity", "redundancy"
# As figures and pages call them; others as they are.
NAMES = {MIS: "MIS", MIS_LIMIT: "MIS, steep"}


@dataclass(frozen=True)
class Options:
    """Of MIS: `references` of either end, `trials`, `slope`, `seed` of its pairs; and the `top`."""

    references: int
    trials: int
    slope: float
    top: int
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


def too_few_images(options: Options, stimuli: str, count: int, largest: int) -> list[str]:
    """A line for each option that takes more images than are left without the largest group.

    Args:
        options: of the scores.
        stimuli: name of the set.
        count: of its images, at most.
        largest: images of the largest group, at least.
    """
    left = count - largest
    asked = {"trials and references take": options.of_trials, "top takes": options.top}
    return [
        f"interpretability.further_scores: {what} {taken} images, but {stimuli} has {count} at "
        f"most, and {left} where an interval leaves a group out; lower them, or take a larger set"
        for what, taken in asked.items()
        if taken > left
    ]
