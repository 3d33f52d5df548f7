"""Section of people's answers: the psychophysics of Zimmermann et al. 2023 (B fig. 2, 13)."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import (
    Name,
    Resamples,
    Seed,
    Strict,
    Text,
    UserPath,
)


class People(Strict):
    """People's answers (Zimmermann et al. 2023), and what a backbone would answer; null: none.

    Part of the target `interpretability`; workflow/studies/paper_psychophysics.yaml has the keys.
    """

    responses: UserPath
    """The published responses_main.csv."""
    file_map: UserPath
    """The published imagenet_exemplars_file_map.json."""
    images: UserPath
    """Folder that its paths start from: ImageNet's training set, one folder a class."""
    model: Text
    """The network in the file map, such as resnet50."""
    condition: Text
    """What `task_id` begins with, such as resnet50_natural."""
    backbone: Name
    """One of the backbones, which answers in people's place."""
    input_scaling: Literal["lpips", "as_published"] = "lpips"
    """lpips, or as_published: scaled by ImageNet's mean and standard deviation, not to -1..1."""
    sides: Literal["positive", "both"] = "both"
    """References: both sides, or the positive side alone."""
    pool: Literal["min", "mean"] = "min"
    """A query is as similar to its references as to the nearest (min), or on average (mean)."""
    resamples: Annotated[Resamples, Field(ge=100)] = 2000
    """Resamples of the units for each interval."""
    seed: Seed = 0
    """Draws the resamples."""
