"""Files of neuron-explainer in their exact JSON: records of units, and scored explanations of them.

Bills et al. 2023, "Language models can explain neurons in language models". Names and meanings of
the fields are those of neuron-explainer's data classes. A missing number is nan here and null in
JSON; files with NaN, without optional fields, or without `dataclass_name`, as old ones are, are
read too. An unknown field is refused, as by the original. Files can be larger than memory, so they
are written and read line by line.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from codespectra.files.notes import write_note
from codespectra.files.regular_files import open_regular, refusing
from codespectra.files.whole_files import atomic

# Interleaved subsets of a record's excerpts, in the original's order.
HIGHEST = 10  # of the activations in prompts
MOST_BYTES = 1 << 26  # of a line
ANEW = "delete it and rerun"

Split = Literal["train", "calibration", "valid", "test"]
TOP_SPLITS: tuple[Split, ...] = ("train", "calibration", "valid", "test")
RANDOM_SPLITS = TOP_SPLITS[1:]
Scale = Literal["neuron_activations", "simulated_normalized_activations"]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _numbers(values: list[float | None]) -> list[float]:
    return [_number(value) for value in values] if None in values else values


Number = Annotated[float | None, AfterValidator(_number)]
Numbers = Annotated[list[float | None], AfterValidator(_numbers)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=_Line)
Excerpt = TypeVar("Excerpt")


class NeuronId(_Line):
    """A unit of a network; both numbers count from 0."""

    dataclass_name: Literal["NeuronId"] = "NeuronId"
    layer_index: int
    neuron_index: int


class ActivationRecord(_Line):
    """An excerpt: its tokens, and the unit's activation at each."""

    dataclass_name: Literal["ActivationRecord"] = "ActivationRecord"
    tokens: list[str]
    activations: Numbers

    @model_validator(mode="after")
    def _same_length(self) -> "ActivationRecord":
        _check_lengths(self.tokens, activations=self.activations)
        return self


class NeuronRecord(_Line):
    """A unit's moments over all tokens, and excerpts: those of highest activation, random ones."""

    dataclass_name: Literal["NeuronRecord"] = "NeuronRecord"
    neuron_id: NeuronId
    random_sample: list[ActivationRecord] = []
    random_sample_by_quantile: list[list[ActivationRecord]] | None = None
    quantile_boundaries: Numbers | None = None
    mean: Number = math.nan
    variance: Number = math.nan
    skewness: Number = math.nan
    kurtosis: Number = math.nan
    most_positive_activation_records: list[ActivationRecord] = []

    def split(self, name: Split) -> list[ActivationRecord]:
        """Excerpts of one split: an explanation sees `train`, its score is that on `valid`.

        Top excerpts make four equal interleaved subsets, random ones three: `train` has none of
        them. The remainder is left out; without random excerpts every split is top alone.
        """
        top = interleaved(self.most_positive_activation_records, TOP_SPLITS, name)
        if name not in RANDOM_SPLITS:
            return top
        return top + interleaved(self.random_sample, RANDOM_SPLITS, name)


class SequenceSimulation(_Line):
    """Activations that a simulator expects of one excerpt.

    The distribution of each token's value is empty where the simulator gave no probabilities.
    """

    dataclass_name: Literal["SequenceSimulation"] = "SequenceSimulation"
    tokens: list[str]
    expected_activations: Numbers
    activation_scale: Scale
    distribution_values: list[list[float | None]]
    distribution_probabilities: list[list[float | None]]
    uncalibrated_simulation: "SequenceSimulation | None" = None

    @model_validator(mode="after")
    def _same_length(self) -> "SequenceSimulation":
        _check_lengths(self.tokens, expected_activations=self.expected_activations)
        return self


class ScoredSequenceSimulation(_Line):
    """One excerpt: simulated activations, true ones, and the scores on this excerpt alone."""

    dataclass_name: Literal["ScoredSequenceSimulation"] = "ScoredSequenceSimulation"
    simulation: SequenceSimulation
    true_activations: Numbers
    ev_correlation_score: Number
    rsquared_score: Number = math.nan
    absolute_dev_explained_score: Number = math.nan

    @model_validator(mode="after")
    def _same_length(self) -> "ScoredSequenceSimulation":
        _check_lengths(self.simulation.tokens, true_activations=self.true_activations)
        return self


class ScoredSimulation(_Line):
    """Several excerpts, and the scores over all their tokens."""

    dataclass_name: Literal["ScoredSimulation"] = "ScoredSimulation"
    scored_sequence_simulations: list[ScoredSequenceSimulation]
    ev_correlation_score: Number = math.nan
    rsquared_score: Number = math.nan
    absolute_dev_explained_score: Number = math.nan


class ScoredExplanation(_Line):
    """An explanation with what a simulator made of it."""

    dataclass_name: Literal["ScoredExplanation"] = "ScoredExplanation"
    explanation: str
    scored_simulation: ScoredSimulation


class NeuronSimulationResults(_Line):
    """A unit's explanations."""

    dataclass_name: Literal["NeuronSimulationResults"] = "NeuronSimulationResults"
    neuron_id: NeuronId
    scored_explanations: list[ScoredExplanation]


def normalized(activations: Sequence[float], maximum: float) -> list[int]:
    """Activations as prompts show them: floor(10 relu(a) / maximum), at most 10.

    All 0 for a unit whose `maximum` isn't positive; a missing activation counts as 0.
    """
    if maximum <= 0:
        return [0] * len(activations)
    shares = HIGHEST * np.fmax(activations, 0) / maximum
    return np.fmin(HIGHEST, np.floor(shares)).astype(int).tolist()


def as_line(record: _Line) -> bytes:
    """A record as one line of a file."""
    return record.model_dump_json().encode() + b"\n"


def write_lines(path: str | Path, records: Iterable[_Line]) -> None:
    """Write a line each, atomically, and a note; `records` may be an iterator and isn't held."""
    with atomic(path) as temporary:
        with temporary.open("wb") as file:
            file.writelines(map(as_line, records))
        write_note(path, temporary)


def line_digests(path: str | Path, counts: Iterable[int]) -> list[str]:
    """Digest of the first so many lines of a file, of so many after them, and so on."""
    with open_regular(path) as lines:
        return [hashlib.sha256(b"".join(islice(lines, count))).hexdigest() for count in counts]


def read_lines(path: str | Path, model: type[Model], remedy: str = ANEW) -> Iterator[Model]:
    """Yield the records of a file, one a line; empty lines are passed over.

    Args:
        path: of the file.
        model: of its lines.
        remedy: what to do about a damaged file; the workflow's own goes.

    Raises:
        UserError: the file can't be opened, or a line is damaged, too long or of another form.
    """
    with refusing(path, "can't be read", remedy):
        lines = open_regular(path)
    with lines:
        for number in count(1):
            where = f"{path}, line {number}"
            with refusing(where, f"not a {model.__name__}", remedy):
                line = lines.readline(MOST_BYTES)
                if len(line) == MOST_BYTES:
                    raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
                record = _parsed(line, model) if line.strip() else None
            if not line:
                return
            if record is not None:
                yield record


def _parsed(line: bytes, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"{key}: {first['msg']}" if key else first["msg"]) from error


def interleaved(records: list[Excerpt], splits: Sequence[Split], name: Split) -> list[Excerpt]:
    """Every n-th record, for one of n equal subsets; the remainder is in none."""
    stride = len(splits)
    whole = len(records) // stride * stride
    return records[splits.index(name) : whole : stride]


def _check_lengths(tokens: list[str], **values: list[float]) -> None:
    for name, numbers in values.items():
        if len(numbers) != len(tokens):
            raise ValueError(f"{len(numbers)} {name} for {len(tokens)} tokens")
