"""Published answers of people to psychophysics trials, and the images that they saw (B §2.3).

Zimmermann et al. 2023: a trial of a unit shows nine images that excite it most, nine that excite
it least, and two queries, one of either kind. A person says which query excites the unit: the
right answer is always the `max` query.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from codespectra.data.image_files import read_square
from codespectra.data.open_image import MOST_PIXELS
from codespectra.errors import UserError, nearest
from codespectra.files.users_tables import read_users_table
from codespectra.interpretability.lpips_embedding import LPIPS_MEAN, LPIPS_STD

UNIT = ["layer", "channel"]
TRIAL = [*UNIT, "batch"]
WORDS = ("layer", "task_id", "mode", "choice")
MOST = 1 << 31  # of a channel, a batch or a confidence
COLUMNS = (*TRIAL, "task_id", "catch_trial", "is_demo", "mode", "choice", "confidence", "correct")

# Of the 20 images of a trial.
QUERIES = np.array([9, 19])
REFERENCES = np.delete(np.arange(20), QUERIES)

# The published analysis gave lpips tensors scaled by ImageNet's mean and standard deviation with
# normalize=False, so that lpips' own (x - shift) / scale came on top.
_MEAN, _STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_SHIFT, _SCALE = 2 * np.array(LPIPS_MEAN) - 1, 2 * np.array(LPIPS_STD)
AS_PUBLISHED = {
    "side": None,
    "mean": (_MEAN + _STD * _SHIFT).tolist(),
    "std": (_STD * _SCALE).tolist(),
}


def read_responses(path: str | Path, condition: str) -> pd.DataFrame:
    """Answers of one condition in responses_main.csv, without catch and demonstration trials.

    Args:
        path: the published table.
        condition: what `task_id` says before its last dash, such as resnet50_natural.

    Returns:
        A row an answer: layer, channel, batch, confidence (1 to 3), correct.

    Raises:
        UserError: the file, a column or the condition is missing, people saw optimised images, or
            `choice` and `correct` disagree.
    """
    table = read_users_table(path, WORDS, COLUMNS, remedy="fetch it again")
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise UserError(
            f"{path}: lacks the columns {', '.join(missing)}; give responses_main.csv as published"
        )
    for unwanted in ("is_demo", "catch_trial"):
        table = table[~_flags(table, unwanted, path)]
    conditions = table["task_id"].astype("string").str.extract("^(.*)-")[0]
    known = set(conditions.dropna())
    if condition not in known:
        raise UserError(
            f"{path}: no answers to the condition {condition!r}; "
            f"{nearest(condition, sorted(known))}"
        )
    table = table[(conditions == condition).fillna(False)]
    _check_natural(table, condition, path)
    answers = table[["layer"]].assign(
        **{name: _whole(table, name, path) for name in ("channel", "batch", "confidence")},
        correct=_flags(table, "correct", path),
    )
    _check_choices(table["choice"], answers["correct"], path)
    return answers.reset_index(drop=True)


def _flags(table: pd.DataFrame, column: str, path: str | Path) -> pd.Series:
    known = table[column].isin([True, False])
    if not known.all():
        found = table.loc[~known, column].iloc[0]
        raise UserError(
            f"{path}: {column} is {found!s:.40}, expected True or False; fetch it again"
        )
    return table[column].astype(bool)


def _whole(table: pd.DataFrame, column: str, path: str | Path) -> pd.Series:
    """Whole numbers, which the published table writes as 3.0."""
    numbers = pd.to_numeric(table[column], errors="coerce")
    wrong = (numbers % 1 != 0) | (numbers.abs() > MOST)
    if wrong.any():
        found = table.loc[wrong, column].iloc[0]
        raise UserError(
            f"{path}: {column} is {found!s:.40}, expected whole numbers; fetch it again"
        )
    return numbers.astype(int)


def _check_natural(table: pd.DataFrame, condition: str, path: str | Path) -> None:
    """The file map would give natural images to trials that showed optimised ones, too."""
    modes = sorted({str(mode) for mode in table["mode"]} - {"natural"})
    if modes:
        raise UserError(
            f"{path}: people saw {', '.join(modes)} images in {condition!r}, which the "
            "file map doesn't have; take a condition with natural ones"
        )


def _check_choices(choice: pd.Series, correct: pd.Series, path: str | Path) -> None:
    differ = (choice == "b") != correct
    if differ.any():
        raise UserError(
            f"{path}: `choice` and `correct` disagree in {differ.sum()} of {len(differ)} answers "
            "(b should be correct, a wrong); fetch it again"
        )


def read_images(paths: list[Path]) -> np.ndarray:
    """Images as people saw them, uint8 (N, 224, 224, 3): the shorter side is 256, then the centre.

    Raises:
        UserError: a file is no image.
    """
    return np.stack(
        [read_square(path, 256, 224, MOST_PIXELS, remedy="fetch it again") for path in paths]
    )
