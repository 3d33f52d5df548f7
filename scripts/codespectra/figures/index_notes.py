"""Small print of figures of the index."""

import pandas as pd

from codespectra.figures import style

EXPLANATION = (
    "II: mean similarity of a direction's most exciting images, higher is more alike\n"
    "inhouse: this workflow's own perceptual backbone (all heads 1, same labels), not LPIPS"
)


def sample_note(scores: pd.DataFrame) -> str:
    """M, numbers of stimuli and weights, for the small print."""
    sets = scores[["stimuli", "stimulus_count"]].drop_duplicates()
    counts = ", ".join(f"{row.stimuli} n = {row.stimulus_count}" for row in sets.itertuples())
    return f"M = {scores['m'].iloc[0]} · {counts} · {style.weights_note(scores)}"
