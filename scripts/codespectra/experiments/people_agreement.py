"""How well in-silico choices predict people's: margins, ROC curves, agreement (B §2.3, §3.1).

People answer the same trials of the same units several times, so that units, not answers, are
what intervals resample.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

from codespectra.experiments.people import QUERIES, REFERENCES, UNIT
from codespectra.experiments.preference import pooled_preference
from codespectra.experiments.trial_images import IMAGES
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Embedding, Parts

# Fewer units than these, with right answers or with wrong ones, give no interval.
FEWEST_UNITS = 5


def margins(embedded: Parts, sides: str, pool: str) -> dict[str, float]:
    """How much more the `max` query is like its references than the `min` query is (eq. 2).

    Args:
        embedded: rows (20, d) of each part, of the images of a trial in the order of `IMAGES`.
        sides: positive: s(max, MAX) - s(min, MAX), as in the text; both: minus the same towards
            the `min` references, as in the paper's code.
        pool: s is that of the nearest reference (min, of distances), or the mean.

    Returns:
        One for each part and `all`; above 0 where the model chooses the `max` query.
    """
    alike = Embedding("people", embedded, np.arange(len(IMAGES)))
    found = alike.between(QUERIES, np.tile(REFERENCES, (2, 1)))
    counted = 1 if sides == "positive" else 2
    preferences = {
        part: pooled_preference(values.reshape(2, 2, -1)[:, :counted], pool)
        for part, values in found.items()
    }
    return {part: float(of_max - of_min) for part, (of_max, of_min) in preferences.items()}


def stages(layers: pd.Series) -> pd.Series:
    """The stage that a layer belongs to: layer1 for layer1_0_conv1, mixed4 for mixed4a."""
    return layers.str.extract(r"([A-Za-z]+[_.]?\d+)", expand=False).fillna(layers)


def agreement_table(answers: pd.DataFrame, *, resamples: int, seed: int) -> pd.DataFrame:
    """Agreement of people and model for each stage, confidence and part, and over all of each.

    Args:
        answers: layer, channel, confidence, correct, part, margin; a row an answer and part.
        resamples: bootstrap resamples of the units.
        seed: of the bootstrap.

    Returns:
        stage, confidence, part, n_responses, n_units, human_accuracy, insilico_accuracy,
        agreement (share of answers with the same choice), chance_agreement (of independent choices
        at these accuracies) and auc (of the margin, for people's correctness); the last three but
        chance with 95 % percentile intervals. auc is nan where all answers are right, or wrong.
    """
    rows = [
        group | _agreement(found, np.random.default_rng(seed), resamples)
        for group, found in _groups(answers)
    ]
    return pd.DataFrame(rows)


def roc_curves(answers: pd.DataFrame) -> pd.DataFrame:
    """Points of the ROC curve of the margin for people's correctness, group by group.

    Takes what `agreement_table` takes; groups in which all answers are right, or wrong, have none.
    """
    curves = []
    for group, found in _groups(answers):
        if found["correct"].nunique() == 2:
            false, true, _ = roc_curve(found["correct"], found["margin"])
            points = {"false_positive_rate": false, "true_positive_rate": true}
            curves.append(pd.DataFrame(group | points))
    return pd.concat(curves, ignore_index=True)


def _groups(answers: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    answers = answers.assign(stage=stages(answers["layer"]))
    for stage, of_stage in _each_and_all(answers, "stage"):
        for confidence, sure in _each_and_all(of_stage, "confidence"):
            for part, found in sure.groupby("part", sort=False):
                yield {"stage": stage, "confidence": confidence, "part": part}, found


def _each_and_all(table: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    for value, found in table.groupby(column, sort=True):
        yield str(value), found
    yield ALL, table


def _agreement(found: pd.DataFrame, rng: np.random.Generator, resamples: int) -> dict[str, Any]:
    unit = found.groupby(UNIT).ngroup().to_numpy()
    units = unit.max() + 1
    often = rng.multinomial(units, np.full(units, 1 / units), size=resamples)
    human = found["correct"].to_numpy()
    model = found["margin"].to_numpy() > 0
    same = np.bincount(unit, human == model)
    low, high = _interval(often @ same / (often @ np.bincount(unit)), units)
    accuracy = human.mean(), model.mean()
    return {
        "n_responses": len(found),
        "n_units": units,
        "human_accuracy": accuracy[0],
        "insilico_accuracy": accuracy[1],
        "agreement": (human == model).mean(),
        "agreement_low": low,
        "agreement_high": high,
        "chance_agreement": np.prod(accuracy) + np.prod(np.subtract(1, accuracy)),
        **_auc(human, found["margin"].to_numpy(), unit, often),
    }


def _auc(
    correct: np.ndarray, margins: np.ndarray, unit: np.ndarray, often: np.ndarray
) -> dict[str, float]:
    """AUC with its interval; `often` (resamples, U) says how often a draw takes each unit.

    The AUC is the share of pairs of a right and a wrong answer in which the right one has the
    larger margin. Counted once for each pair of units, these are a quadratic form in `often`.
    """
    if correct.all() or not correct.any():
        return dict.fromkeys(("auc", "auc_low", "auc_high"), np.nan)
    member = np.eye(often.shape[1])[unit]
    right, wrong = member[correct], member[~correct]
    difference = margins[correct, None] - margins[~correct]
    won = right.T @ (np.sign(difference) + 1) @ wrong / 2
    pairs = right.sum(axis=0)[:, None] * wrong.sum(axis=0)
    with np.errstate(invalid="ignore"):  # a draw may hold right answers only
        drawn = ((often @ won) * often).sum(axis=1) / ((often @ pairs) * often).sum(axis=1)
    low, high = _interval(drawn, min(right.any(axis=0).sum(), wrong.any(axis=0).sum()))
    return {"auc": roc_auc_score(correct, margins), "auc_low": low, "auc_high": high}


def _interval(drawn: np.ndarray, units: int) -> tuple[float, float]:
    if units < FEWEST_UNITS:
        return np.nan, np.nan
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)
