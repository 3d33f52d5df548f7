"""Machine Interpretability Score: psychophysics with a graded answer (Zimmermann et al. 2024).

A trial shows K images of either end of a direction's responses and a query of each. With s(q, E)
the mean similarity of a query to explanations and D(q) = s(q, E+) - s(q, E-), the score is the mean
over N trials of sigmoid(a (D(q+) - D(q-))). The slope a is in units of the metric's similarity; as
it grows the score becomes the accuracy of `psychophysics` with mean pooling.
"""

import numpy as np
from scipy.special import expit

from codespectra.experiments.further_options import Options
from codespectra.experiments.trial_design import Design


def mis_design(options: Options) -> Design:
    """Its trials: the most extreme images of either end explain, the next are the queries."""
    return Design(
        difficulties=(0.0,),
        trials=options.trials,
        references=options.references,
        restrict="both",
        sides="both",
        pool="mean",
        seed=options.seed,
    )


def machine_interpretability(margins: np.ndarray, slope: float) -> np.ndarray:
    """The score (K,) from the margins D(q+) - D(q-) of each trial (K, T), nan if it isn't counted.

    An infinite slope counts answers: 1 right, 0 wrong, 0.5 a tie. nan without a counted trial.
    """
    right = (1 + np.sign(margins)) / 2 if np.isinf(slope) else expit(slope * margins)
    counted = np.isfinite(right).sum(axis=1)
    missing = np.full(len(right), np.nan)
    return np.divide(np.nansum(right, axis=1), counted, out=missing, where=counted > 0)
