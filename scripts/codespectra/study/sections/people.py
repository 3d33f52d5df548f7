"""Section of people's answers: the psychophysics of Zimmermann et al. 2023 (B fig. 2, 13)."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import Name, Strict, UserPath


class People(Strict):
    """Published responses, and the images that people saw."""

    # responses_main.csv, imagenet_exemplars_file_map.json, and where its paths start from.
    responses: UserPath
    file_map: UserPath
    images: UserPath
    # Key of the file map, and what `task_id` begins with, such as resnet50_natural.
    model: str
    condition: str
    backbone: Name
    # lpips, or as_published: scaled by ImageNet's mean and standard deviation, not to -1..1.
    input_scaling: Literal["lpips", "as_published"] = "lpips"
    sides: Literal["positive", "both"] = "both"
    pool: Literal["min", "mean"] = "min"
    # Resamples of the units.
    bootstrap: Annotated[int, Field(ge=100)] = 2000
    seed: int = 0
