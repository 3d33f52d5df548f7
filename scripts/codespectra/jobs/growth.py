"""What a stage adds to what stands: layers, methods, runs that are new beside those that stay."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# A job's wildcards in the order of its files: names of what it is about, mostly one each.
Place = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Growth:
    """Names of what is new to a stage, what it holds no more, and what stays as it is.

    `own`: they are parts of one job, which takes them from its last results; else other jobs.
    """

    new: tuple[str, ...]
    gone: tuple[str, ...]
    kept: tuple[str, ...]
    own: bool


class Standing:
    """The results of one stage that stand: what is there beside a new one."""

    def __init__(self, places: Iterable[Place]):
        """Note where each result stands."""
        self._beside: dict[Any, dict[str, None]] = {}
        for place in places:
            for axis in place:
                known = self._beside.setdefault(_others(place, axis), {})
                known |= dict.fromkeys(place[axis])

    def growth(self, place: Place) -> Growth | None:
        """What is new, along the last wildcard along which results stand; None without any."""
        for axis in reversed([*place]):
            kept = self._beside.get(_others(place, axis))
            new = [name for name in place[axis] if name not in (kept or ())]
            if kept and new:
                return Growth(tuple(new), (), tuple(kept), own=False)
        return None


def _others(place: Place, axis: str) -> tuple[str, frozenset[tuple[str, tuple[str, ...]]]]:
    """Where a job is, but for one wildcard."""
    return axis, frozenset(item for item in place.items() if item[0] != axis)


def own_growth(
    before: Mapping[str, Any], now: Mapping[str, Any], axes: Collection[str]
) -> Growth | None:
    """What a job's `params.cfg` lists more and less; None if all is computed anew.

    Args:
        before, now: the cfg.
        axes: its keys that list what the job computes one by one.
    """
    new, gone, kept = [], [], []
    for key in sorted(before.keys() | now.keys()):
        old, wanted = before.get(key), now.get(key)
        if repr(old) == repr(wanted):
            continue
        if key not in axes:
            return None
        old, wanted = _items(key, old), _items(key, wanted)
        new += [name for name, what in wanted.items() if old.get(name) != what]
        gone += [name for name in old if name not in wanted]
        kept += [name for name, what in wanted.items() if old.get(name) == what]
    return Growth(tuple(new), tuple(gone), tuple(kept), own=True) if kept and new + gone else None


def _items(key: str, value: Any) -> dict[str, str]:
    """What a list or a dict holds, by name; a metric that is wanted or not has the key's name."""
    if isinstance(value, bool) or value is None:
        return {key: ""} if value else {}
    named = value if isinstance(value, dict) else dict.fromkeys(value, "")
    return {str(name): repr(what) for name, what in named.items()}


def together(growths: Iterable[Growth]) -> Growth:
    """The growth of all jobs of a stage: what is new to one of them counts as new."""
    growths = [*growths]
    new, gone, kept = (
        [*dict.fromkeys(name for growth in growths for name in getattr(growth, field))]
        for field in ("new", "gone", "kept")
    )
    return Growth(
        tuple(new),
        tuple(name for name in gone if name not in new + kept),
        tuple(name for name in kept if name not in new),
        own=any(growth.own for growth in growths),
    )
