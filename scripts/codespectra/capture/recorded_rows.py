"""Which row of a file of activations belongs to which stimulus, and to which repeat of it.

Rows matched by their order alone are the usual silent fault: they are only where the user says so.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from codespectra.errors import UserError
from codespectra.files.regular_files import shown

# How rows are matched to stimuli: as a config says it.
BY_ID, IN_ORDER = "by_id", "in_order"


@dataclass(frozen=True)
class FileRows:
    """What is known of a file's rows: how many, and each one's stimulus_id and repeat if any.

    `columns` are those of its first matrix, which tell where rows and columns seem swapped.
    """

    count: int
    ids: list[str] | None = None
    repeats: list[int] | None = None
    columns: int | None = None


@dataclass(frozen=True)
class ShownStimuli:
    """What is known of the set that was shown.

    Its count, its ids if it has any, and of a table with repeats the stimulus and the repeat of
    each row.
    """

    name: str
    count: int
    ids: list[str] | None = None
    presentations: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class MatchedRows:
    """Rows of a file by repeat and stimulus, (R, N), and what was passed over, in words."""

    rows: np.ndarray
    remarks: list[str]

    @property
    def repeats(self) -> int:
        """How often each stimulus was shown, R."""
        return len(self.rows)

    @property
    def stimuli(self) -> int:
        """How many stimuli there are, N."""
        return self.rows.shape[1]


def match_rows(file: FileRows, how: str, shown_set: ShownStimuli | None) -> MatchedRows:
    """The rows of each stimulus, in the order of the set, or in which they first come.

    Args:
        file: its rows.
        how: `by_id` or `in_order`.
        shown_set: the stimuli; None: those that the file names, or a stimulus a row.

    Raises:
        UserError: they can't be matched; begins with the key of the section that is wrong.
    """
    if how == IN_ORDER:
        return _in_order(file, shown_set)
    if file.ids is None:
        raise UserError(
            "rows: by_id, but the file doesn't say whose stimulus_id its rows are; give a table of "
            "them (stimulus_id, repeat), or say rows: in_order"
        )
    if shown_set is None:
        names = list(dict.fromkeys(file.ids))
    elif shown_set.ids is None:
        raise UserError(
            f"stimuli: {shown_set.name} has no ids; list its images in a table, or say rows: "
            "in_order"
        )
    else:
        names = shown_set.ids
    return _by_id(file, names)


def _in_order(file: FileRows, shown_set: ShownStimuli | None) -> MatchedRows:
    remarks = ["rows are matched by their order alone"]
    if file.ids is not None:
        remarks.append("its own ids of stimuli are passed over")
    if shown_set is None or not shown_set.presentations:
        expected = file.count if shown_set is None else shown_set.count
        _check_count(file, expected, shown_set)
        return MatchedRows(np.arange(file.count)[None], remarks)
    _check_count(file, len(shown_set.presentations), shown_set)
    stimulus, repeat = zip(*shown_set.presentations, strict=True)
    rows = _table(np.array(stimulus), np.array(repeat), [*map(str, range(shown_set.count))])
    return MatchedRows(rows, remarks)


def _check_count(file: FileRows, expected: int, shown_set: ShownStimuli | None) -> None:
    if file.count != expected:
        advice = "match them by_id, or mend one of the two"
        if file.columns == expected:
            advice = "it has as many columns: are these the stimuli? then set transposed: true"
        raise UserError(
            f"rows: in_order, but the file has {file.count} rows and {shown_set.name} {expected} "
            f"{'presentations' if shown_set.presentations else 'stimuli'}; {advice}"
        )


def _by_id(file: FileRows, names: list[str]) -> MatchedRows:
    place = {name: number for number, name in enumerate(names)}
    stimulus = np.array([place.get(name, -1) for name in file.ids])
    found = {*file.ids}
    if absent := len(names) - len(found & {*names}):
        first = next(name for name in names if name not in found)
        more = "" if (stimulus >= 0).any() else "; the ids of the two seem to be of different kinds"
        raise UserError(
            f"rows: {absent} of {len(names)} stimuli have no row, first {shown(first)}{more}; add "
            "them, or take them out of the table of stimuli"
        )
    known = np.flatnonzero(stimulus >= 0)
    remarks = []
    if over := file.count - len(known):
        remarks.append(f"{over} rows of stimuli that aren't in the set are passed over")
    repeat = np.zeros(file.count, int) if file.repeats is None else np.array(file.repeats)
    rows = _table(stimulus[known], repeat[known], names)
    return MatchedRows(known[rows], remarks)


def _table(stimulus: np.ndarray, repeat: np.ndarray, names: list[str]) -> np.ndarray:
    """Positions by repeat and stimulus, repeats in their own order."""
    pairs = Counter(zip(stimulus.tolist(), repeat.tolist(), strict=True))
    if (extra := pairs.total() - len(pairs)) > 0:
        (which, _), _ = pairs.most_common(1)[0]
        raise UserError(
            f"rows: stimulus_id {shown(names[which])} stands twice with one repeat, or without "
            f"({extra} of {len(stimulus)} rows are too many); say which presentation each row is "
            "by a table with the column repeat"
        )
    counts = np.bincount(stimulus, minlength=len(names))
    if counts.min() != counts.max():
        few, many = names[counts.argmin()], names[counts.argmax()]
        raise UserError(
            f"rows: {shown(few)} was shown {counts.min()} times, {shown(many)} {counts.max()}; "
            "repeats must be equal in number: leave rows out by a table of stimuli or of rows"
        )
    return np.lexsort((repeat, stimulus)).reshape(len(names), -1).T
