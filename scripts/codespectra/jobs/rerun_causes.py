"""Why jobs run again, in words: what was recorded of each job against what it is now."""

import ast
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codespectra.jobs.code_digest import changed_files
from codespectra.jobs.growth import Growth, own_growth, together
from codespectra.jobs.words import NAMES, counted, listed

NEW = "new, nothing there yet"
# At most so many lines; of one stage, so many causes.
LINES, CAUSES = 20, 3
# Values longer than this are shortened.
WIDTH = 40


@dataclass(frozen=True)
class Rerun:
    """One job that runs: its own causes in words (none: it follows), and what it waits for.

    `after` holds positions in the list of all jobs that run, each smaller than the job's own.
    `growth` says the same as the causes, where all else stays as it is.
    """

    rule: str
    causes: tuple[str, ...]
    after: tuple[int, ...]
    growth: Growth | None = None


@dataclass(frozen=True)
class _Stage:
    """The jobs of one rule: how many, their own causes, and the rules that the others follow."""

    rule: str
    jobs: int
    causes: tuple[str, ...]
    sources: tuple[str, ...]


def lines_of_reruns(jobs: Sequence[Rerun]) -> list[str]:
    """At most 20 lines, causes first: which stages run, how many jobs, and why.

    Stages with the same words share a line. Empty when nothing runs.
    """
    if jobs and all(job.causes == (NEW,) and job.growth is None for job in jobs):
        return [f"everything that runs is new: {counted(len(jobs))}"]
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[_Stage]] = {}
    for stage in _stages(jobs):
        alike.setdefault((stage.causes, stage.sources), []).append(stage)
    # Sorting is stable: within causes, and within what follows, stages stay in running order.
    lines = [_line(alike[words]) for words in sorted(alike, key=lambda words: not words[0])]
    if len(lines) > LINES:
        lines[LINES - 1 :] = [f"and {len(lines) - LINES + 1} more"]
    return lines


def _stages(jobs: Sequence[Rerun]) -> list[_Stage]:
    # For each job the rules whose own causes it runs for.
    origins: list[set[str]] = []
    for job in jobs:
        upstream = {rule for at in job.after for rule in origins[at]}
        origins.append({job.rule} if job.causes else upstream)
    grows = _growing(jobs)
    stages: dict[str, list[int]] = {}
    for at, job in enumerate(jobs):
        stages.setdefault(job.rule, []).append(at)
    found = []
    for rule, places in stages.items():
        followed = {name for at in places if not jobs[at].causes for name in origins[at]}
        sources = tuple(name for name in stages if name in followed)
        causes = _causes_of_stage([jobs[at] for at in places], [grows[at] for at in places])
        found.append(_Stage(rule, len(places), causes, sources))
    return found


def _growing(jobs: Sequence[Rerun]) -> list[bool]:
    """Whether nothing changes that stands: the job is new, or grows after jobs that only grow."""
    grows: list[bool] = []
    for job in jobs:
        own = job.growth is not None and all(grows[at] for at in job.after)
        grows.append(job.causes == (NEW,) or own)
    return grows


def _causes_of_stage(jobs: Sequence[Rerun], grows: Sequence[bool]) -> tuple[str, ...]:
    growths = [job.growth for job, grown in zip(jobs, grows, strict=True) if grown and job.growth]
    others = [job.causes for job, grown in zip(jobs, grows, strict=True) if not grown]
    if not growths:
        others = [job.causes for job in jobs]
    causes = dict.fromkeys(cause for causes in others for cause in causes)
    return (*([_grown(together(growths))] if growths else []), *causes)


def _grown(growth: Growth) -> str:
    """`layer3 new; layer1, layer2 as they are`."""
    words = {"new": growth.new, "gone": growth.gone}
    stays = "as it is" if len(growth.kept) == 1 else "as they are"
    return "; ".join(
        f"{listed(names)} {word}" for word, names in (words | {stays: growth.kept}).items() if names
    )


def _line(stages: Sequence[_Stage]) -> str:
    """One line for stages with the same causes and sources."""
    count = sum(stage.jobs for stage in stages)
    causes, sources = stages[0].causes, stages[0].sources
    words = [*causes[:CAUSES]]
    if len(causes) > CAUSES:
        words.append(f"and {len(causes) - CAUSES} more")
    if sources:
        verb = "others follow" if causes else "follow" if count > 1 else "follows"
        words.append(f"{verb} from {listed(sources)}")
    return f"{listed([stage.rule for stage in stages])} ({counted(count)}): {'; '.join(words)}"


def changed_params(
    rule: str, before: Iterable[str], now: Iterable[str], remembered: Path
) -> list[str]:
    """What has changed in a job's `params`, given as `repr`: those recorded, and those of now.

    A dict is the config of a stage, compared key by key; 16 hexadecimal digits are the digest of
    the code of `rule`, which `code_digest.changed_files` looks up in `remembered`.
    """
    before, now = sorted(before), sorted(now)
    values = [[_value(text) for text in texts] for texts in (before, now)]
    causes = _changed_keys(_merged(values[0]), _merged(values[1]))
    codes = [[value for value in side if _is_digest(value)] for side in values]
    if codes[0] != codes[1]:
        files = changed_files(codes[0][0], codes[1][0], remembered) if all(codes) else []
        causes.append(_changed_code(rule, files))
    return causes or (["its params have changed"] if before != now else [])


def growth_of_params(
    before: Iterable[str], now: Iterable[str], axes: Collection[str]
) -> Growth | None:
    """What a job's `params` list more and less, given as `repr`; None if all is computed anew."""
    values = [[_value(text) for text in sorted(texts)] for texts in (before, now)]
    others = [[repr(v) for v in side if not isinstance(v, dict)] for side in values]
    if others[0] != others[1]:
        return None
    return own_growth(_merged(values[0]), _merged(values[1]), axes)


def changed_inputs(before: Collection[str], now: Collection[str]) -> list[str]:
    """What has changed in the names of a job's inputs: those recorded, and those of now."""
    added, removed = sorted({*now} - {*before}), sorted({*before} - {*now})
    causes = [f"also reads {listed(added)}"] if added else []
    return causes + ([f"no longer reads {listed(removed)}"] if removed else [])


def changed_contents(files: Collection[str]) -> str:
    """The words for changed files that a job reads, as input or as code."""
    return _about(files, "has changed", "have changed")


def missing_outputs(files: Collection[str]) -> str:
    """The words for output files that were made once and are no longer there."""
    return _about(files, "is missing", "are missing")


def untold_results(files: Collection[str]) -> str:
    """The words for results of which nothing tells what made them; empty if there are none."""
    if not files:
        return ""
    files = sorted(files)
    asked = f"--forcerun {' '.join(files)}" if len(files) <= NAMES else "--forceall"
    return (
        f"nothing tells whether config and code are still those that made {listed(files)}; "
        f"to make them again: snakemake {asked}"
    )


def _changed_keys(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    causes = []
    for key in sorted(before.keys() | now.keys()):
        name = f"{prefix}{key}"
        if key not in before:
            causes.append(f"{name} is new: {_shown(now[key])}")
        elif key not in now:
            causes.append(f"{name} is gone")
        elif isinstance(before[key], dict) and isinstance(now[key], dict):
            causes += _changed_keys(before[key], now[key], f"{name}.")
        elif repr(before[key]) != repr(now[key]):
            causes.append(f"{name} {_changed_value(before[key], now[key])}")
    return causes


def _changed_value(before: Any, now: Any) -> str:
    """`5 -> 9`; of long lists, what came and what went; of stamps, that they differ."""
    if any(re.fullmatch("[0-9a-f]{64}", str(value)) for value in (before, now)):
        return "has changed"
    lists = isinstance(before, list) and isinstance(now, list)
    if not lists or len(repr(before)) + len(repr(now)) <= WIDTH:
        return f"{_shown(before)} -> {_shown(now)}"
    parts = {
        "with": [item_name(item) for item in now if item not in before],
        "without": [item_name(item) for item in before if item not in now],
    }
    return ", ".join(f"{word} {listed(items)}" for word, items in parts.items() if items) or (
        "in another order"
    )


def item_name(item: Any) -> str:
    """An item of a list in words, such as a layer's name, or what was asked of it."""
    return " ".join(map(str, item.values())) if isinstance(item, dict) else str(item)


def _changed_code(rule: str, files: Collection[str]) -> str:
    if not files:
        return f"the code of {rule} or of a module it reaches has changed"
    return changed_contents(files)


def _value(text: str) -> Any:
    """What a `repr` shows; the text itself where it can't be read back."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _merged(values: Iterable[Any]) -> dict[str, Any]:
    return {key: item for value in values if isinstance(value, dict) for key, item in value.items()}


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{16}", value) is not None


def _shown(value: Any) -> str:
    """Its beginning and its end when it is long, such as a path."""
    text, half = repr(value), WIDTH // 2 - 2
    return text if len(text) <= WIDTH else f"{text[:half]}...{text[-half:]}"


def _about(names: Collection[str], one: str, many: str) -> str:
    return f"{listed(sorted(names))} {one if len(names) == 1 else many}"
