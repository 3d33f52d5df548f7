"""How many stimuli and units each estimator of an exponent needs: known before any job.

The estimators tell it in their own notes; a test holds these numbers to them.
"""

import math


def least_sizes(ranks: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Fewest stimuli and fewest units with which an estimator can give a value, by its name.

    Args:
        ranks: first and last rank of the window.
    """
    first, last = ranks
    compared, halved = first + 9, 2 * math.ceil(1.5 * last)
    return {
        "meme": (80, 2),
        "meme_broken": (80, 16),
        "alternatives": (6 * compared, math.ceil(1.5 * compared)),
        "windows": (150, 60),
        "participation_ratio": (4, 2),
        "stringer": (16, 15),
        "extrapolation": (halved, halved),
    }


# Those whose need follows from the window.
OF_WINDOW = ("alternatives", "extrapolation")
