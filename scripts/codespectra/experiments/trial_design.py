"""Which of a direction's ranked images its psychophysics trials show (B §2.3, fig. 5).

Apart from the trials themselves, since every start of the workflow checks the sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Ranks:
    """Ranks from either end of the responses, 0 the most extreme one of all stimuli.

    The central range starts at `kept`, the references at `references`, the queries at `queries`,
    and `end` is the first rank that no trial takes.
    """

    kept: int
    references: int
    queries: int
    end: int


@dataclass(frozen=True)
class Design:
    """Trials of a direction: how many, of which images, and how they are answered.

    A difficulty is the share of the stimuli that is cut off either end. With `restrict` both, what
    remains holds references and queries; with queries, references are the most extreme of all
    stimuli. `sides` says whether the references of both ends count or the positive ones alone, and
    `pool` whether a query is as similar to them as to the nearest (min distance) or on average
    (mean).
    """

    difficulties: tuple[float, ...]
    trials: int
    references: int
    restrict: str
    sides: str
    pool: str
    seed: int

    @classmethod
    def of(cls, cfg: Mapping[str, Any]) -> "Design":
        """From a stage's config; other keys are ignored."""
        return cls(**{field.name: cfg[field.name] for field in fields(cls)})

    def ranks(self, count: int, difficulty: float) -> Ranks:
        """Where the trials of one difficulty lie among `count` stimuli."""
        kept = round(difficulty * count)
        references = kept if self.restrict == "both" else 0
        queries = max(kept, references + self.references)
        return Ranks(kept, references, queries, queries + self.trials)


def shortages(count: int, cfg: Mapping[str, Any], stimuli: str) -> list[str]:
    """A line for each difficulty that leaves too few of the `count` images; empty if none does.

    Args:
        count: images of the set.
        cfg: holds the fields of `Design`.
        stimuli: name of the set.
    """
    design, lines = Design.of(cfg), []
    for difficulty in design.difficulties:
        ranks = design.ranks(count, difficulty)
        left, taken = count - 2 * ranks.kept, 2 * (ranks.end - ranks.kept)
        if taken > left:
            lines.append(
                f"interpretability.psychophysics: difficulty {difficulty:g} leaves {left} of the "
                f"{count} images of {stimuli}, but {design.trials} trials with {design.references} "
                f"references a side take {taken}; lower difficulties, trials or references, or "
                "take a larger set"
            )
    return lines
