"""Explanation by lookup: a unit's expected response is its mean response to the token.

The baseline of Bills et al. (2023), "Language models can explain neurons in language models":
no service, no language model. The mean given the token is shrunk to the overall mean, and that
given the token and the one before it to the mean given the token, as if `smoothing` tokens had
had it:

    (sum of responses + smoothing * prior) / (count + smoothing)

The table of a unit is fitted on all sequences but those that it is scored on. In detection and
fuzzing it judges by rule. A context is active if the largest response that the table expects in it
is nearer to the mean of that in the strongest sequences that it was fitted on than in the others.
Highlighted tokens are right if at least half of them are expected to have `HIGHLIGHTED` of the
largest response that it expects in all that it was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codespectra.data.tokens import Tokens
from codespectra.explanations.detection import DETECTION, HIGHLIGHTED, Context, Judged, judged
from codespectra.explanations.neuron_records import NeuronRecord, NeuronSimulationResults
from codespectra.explanations.scores import scored
from codespectra.explanations.units import Excerpts, Text

SHOWN = 5  # entries of a table that stand in its explanation
NO_PAIR = -1  # where a sequence begins there is no token before


@dataclass(frozen=True)
class Contexts:
    """What a lookup table is indexed by at each of R tokens: the token, and the pair that it ends.

    Attributes:
        token: (R,) into the V strings of the vocabulary.
        pair: (R,) into `pairs`, `NO_PAIR` where a sequence begins; None without bigrams.
        pairs: (P, 2) the token before and the token.
        vocabulary: V strings.
    """

    token: np.ndarray
    pair: np.ndarray | None
    pairs: np.ndarray
    vocabulary: list[str]

    @classmethod
    def of(cls, tokens: Tokens, text: Text, *, bigram: bool) -> "Contexts":
        """From the tokens of an activations file."""
        token, size = tokens.token.astype(np.int64), len(tokens.vocabulary)
        if not bigram:
            return cls(token, None, np.empty((0, 2), np.int64), tokens.vocabulary)
        follows = np.ones(len(token), bool)
        follows[text.bounds[:-1]] = False
        codes, places = np.unique(
            np.roll(token, 1)[follows] * size + token[follows], return_inverse=True
        )
        pair = np.full(len(token), NO_PAIR)
        pair[follows] = places
        return cls(token, pair, np.column_stack(np.divmod(codes, size)), tokens.vocabulary)


@dataclass(frozen=True)
class Table:
    """Expected responses of one unit.

    Attributes:
        by_token: (V,).
        by_pair: (P,), None without bigrams.
    """

    by_token: np.ndarray
    by_pair: np.ndarray | None


def explain(
    record: NeuronRecord,
    response: np.ndarray,
    excerpts: Excerpts,
    text: Text,
    contexts: Contexts,
    *,
    smoothing: float,
) -> tuple[NeuronSimulationResults, Judged]:
    """A unit's table, fitted on all but its valid and test excerpts, and its scores on `valid`.

    Those of the simulation, and those of detection and fuzzing.

    Args:
        record: of the unit.
        response: of the unit to each token (R,).
        excerpts: sequences of the record's excerpts.
        text: the tokens.
        contexts: of the R tokens.
        smoothing: as for `fit`.
    """
    held_out, valid = np.zeros(len(response), bool), excerpts.split("valid")
    for sequence in valid + excerpts.split("test"):
        held_out[text.rows(sequence)] = True
    table = fit(response, contexts, held_out, smoothing=smoothing)
    expected = predict(table, contexts, slice(None))
    of_valid = [expected[text.rows(sequence)] for sequence in valid]
    results = scored(
        record.neuron_id,
        explanation(table, contexts),
        record.split("valid"),
        of_valid,
        "neuron_activations",
    )
    peaks, fitted = np.maximum.reduceat(expected, text.bounds[:-1]), ~held_out[text.bounds[:-1]]
    border = _border(peaks, excerpts.top, fitted)
    strong = HIGHLIGHTED * max(peaks[fitted].max(), 0)

    def judge(score: str, shown: Sequence[Context]) -> list[float]:
        if score == DETECTION:
            return [float(of_valid[one.place].max() > border) for one in shown]
        shares = [np.mean(of_valid[one.place][one.highlighted] >= strong) for one in shown]
        return [float(share >= 0.5) for share in shares]

    return results, judged(record, judge)


def _border(peaks: np.ndarray, top: np.ndarray, fitted: np.ndarray) -> float:
    """Halfway between the mean expected peaks of the strongest fitted sequences and of the others.

    nan where there are no others, and so no random excerpts to be told apart.
    """
    is_top = np.isin(np.arange(len(peaks)), top)
    sides = (peaks[fitted & is_top], peaks[fitted & ~is_top])
    return float(np.mean([side.mean() if len(side) else np.nan for side in sides]))


def fit(
    response: np.ndarray, contexts: Contexts, held_out: np.ndarray, *, smoothing: float
) -> Table:
    """Expected responses given the context; held-out rows have no influence, not even by rounding.

    One pass over the R rows a unit; memory O(R + V + P).

    Args:
        response: of the unit to each token (R,).
        contexts: of the R tokens.
        held_out: (R,) bool, rows that aren't used.
        smoothing: tokens' worth of the prior that is added to each entry, above 0.
    """
    rows = np.flatnonzero(~held_out)
    values, token = response[rows], contexts.token[rows]
    prior = np.full(len(contexts.vocabulary), values.mean())
    by_token = _shrunk(values, token, prior, smoothing)
    if contexts.pair is None:
        return Table(by_token, None)
    pair = contexts.pair[rows]
    known = pair != NO_PAIR
    prior = by_token[contexts.pairs[:, 1]]
    return Table(by_token, _shrunk(values[known], pair[known], prior, smoothing))


def _shrunk(
    values: np.ndarray, codes: np.ndarray, prior: np.ndarray, smoothing: float
) -> np.ndarray:
    """Mean of the values of each code, shrunk to its prior."""
    counts = np.bincount(codes, minlength=len(prior))
    sums = np.bincount(codes, weights=values, minlength=len(prior))
    return (sums + smoothing * prior) / (counts + smoothing)


def predict(table: Table, contexts: Contexts, rows: slice) -> np.ndarray:
    """Expected response to each token of these rows."""
    by_token = table.by_token[contexts.token[rows]]
    if table.by_pair is None:
        return by_token
    pair = contexts.pair[rows]
    return np.where(pair == NO_PAIR, by_token, table.by_pair[pair])


def explanation(table: Table, contexts: Contexts) -> str:
    """The entries with the highest expected response: `lookup: ' the' 3.1, 'of' 2.2`.

    With bigrams an entry is the token before and the token: `'of' ' the' 3.1`.
    """
    expected = table.by_token if table.by_pair is None else table.by_pair
    keys = np.arange(len(expected))[:, None] if table.by_pair is None else contexts.pairs
    highest = np.argsort(-expected, kind="stable")[:SHOWN]
    entries = [
        " ".join(repr(contexts.vocabulary[code]) for code in keys[place])
        + f" {expected[place]:.3g}"
        for place in highest
    ]
    return "lookup: " + ", ".join(entries)
