"""Records of units written as JSON lines, against neuron-explainer's own.

Theirs are dataclasses that nothing checks, written by orjson; ours are pydantic's, which checked
them when they were made. Writing those of a layer takes milliseconds, finding them minutes.
"""

from collections.abc import Iterator

import numpy as np
import peers
from side_by_side import Row, compare, judged, show

from codespectra.explanations import neuron_records

RECORDS, TOP, RANDOM, LENGTH = 100, 20, 15, 64
SMALL = {"RECORDS": 2, "TOP": 4, "RANDOM": 3, "LENGTH": 5}


def excerpts(rng: np.random.Generator, count: int) -> list[dict]:
    return [
        {
            "tokens": [f" token{code}" for code in rng.integers(1000, size=LENGTH)],
            "activations": [float(f"{value:.6g}") for value in rng.standard_normal(LENGTH)],
        }
        for _ in range(count)
    ]


def record(module, unit: int, top: list[dict], random: list[dict]):
    """One of ours or of theirs, whose names are the same."""
    return module.NeuronRecord(
        neuron_id=module.NeuronId(layer_index=0, neuron_index=unit),
        random_sample=[module.ActivationRecord(**one) for one in random],
        mean=0.1,
        variance=0.2,
        skewness=0.3,
        kurtosis=0.4,
        most_positive_activation_records=[module.ActivationRecord(**one) for one in top],
    )


def rows() -> Iterator[Row]:
    said = f"{RECORDS} NeuronRecords written", "neuron-explainer's dumps"
    theirs_module, dataclasses = peers.neuron_explainer()
    if dataclasses is None:
        yield judged(*said, None, at_least=1)
        return
    rng = np.random.default_rng(0)
    drawn = [(unit, excerpts(rng, TOP), excerpts(rng, RANDOM)) for unit in range(RECORDS)]
    ours = [record(neuron_records, *one) for one in drawn]
    theirs = [record(theirs_module, *one) for one in drawn]
    for one, other in zip(ours, theirs, strict=True):
        assert dataclasses.loads(neuron_records.as_line(one)) == other
    yield compare(
        *said,
        lambda: [dataclasses.dumps(one) for one in theirs],
        lambda: [neuron_records.as_line(one) for one in ours],
        at_least=1,
        repeats=9,
    )


if __name__ == "__main__":
    show(rows())
