"""From a statistic in each scope to one of each thing that a claim says (methods §10)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence
from codespectra.statistics.hierarchy import UNKNOWN, Interval, average, over_networks


@dataclass(frozen=True)
class Cell:
    """A statistic in one scope of one model, of each of its networks."""

    scope: Scope
    statistic: str
    networks: Mapping[str, Evidence]

    @cached_property
    def interval(self) -> Interval:
        """Over the networks; the single network's own."""
        found = _network_means([self])[0]
        return _over(found) if found else UNKNOWN

    @property
    def n(self) -> int:
        """Sample sizes of the networks together."""
        return sum(one.n for one in self.networks.values())

    @property
    def p(self) -> float | None:
        """Of the single network's test."""
        first, *others = self.networks.values()
        return None if others else first.p


@dataclass(frozen=True)
class Part:
    """One thing that a claim says: `what` of its scopes is meant, and the mean over these.

    `models` has the same of each model. `left_out` counts scopes without an interval.
    """

    what: str
    statistic: str
    cells: list[Cell]
    interval: Interval
    models: dict[str, Interval]
    left_out: int


def cells_of(found: Iterable[Evidence], replicates: Mapping[str, Mapping[str, Any]]) -> list[Cell]:
    """Evidence by scope; networks that only their seeds tell apart share one.

    `replicates` has the `base` of such networks by name; any other is a model of its own.
    """
    cells: dict[tuple[Scope, str], dict[str, Evidence]] = {}
    for one in found:
        network = one.scope.network
        model = replicates.get(network, {}).get("base", network)
        cells.setdefault((one.scope.of(model), one.statistic), {})[network] = one
    return [Cell(scope, statistic, networks) for (scope, statistic), networks in cells.items()]


def parts_of(cells: Iterable[Cell], each: Collection[str]) -> list[Part]:
    """The things that a claim says: a statistic, for each value of the facets `each`.

    The mean over a model's scopes is taken in each of its networks, then over these, then over the
    models, which are given as the scopes are. A scope that any network lacks is left out.
    """
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        named = [cell.scope.facets.get(name, "") for name in each]
        groups.setdefault((cell.statistic, *named), []).append(cell)
    return [
        _part(", ".join(filter(None, named)), statistic, group)
        for (statistic, *named), group in groups.items()
    ]


def _part(what: str, statistic: str, cells: list[Cell]) -> Part:
    by_model: dict[str, list[Cell]] = {}
    for cell in cells:
        by_model.setdefault(cell.scope.network, []).append(cell)
    means = {model: _network_means(own) for model, own in by_model.items()}
    left_out = sum(count for _, count in means.values())
    found = {model: networks for model, (networks, _) in means.items() if networks}
    models = {model: _over(networks) for model, networks in found.items()}
    seeded = [networks for networks in found.values() if len(networks) > 1]
    single = [networks[0] for networks in found.values() if len(networks) == 1]
    together = [over_networks(seeded)] * len(seeded) if seeded else []
    return Part(what, statistic, cells, average([*single, *together]), models, left_out)


def _network_means(cells: list[Cell]) -> tuple[list[Interval], int]:
    """Of each of one model's networks the mean over its scopes; and how many are left out."""
    networks = list(dict.fromkeys(name for cell in cells for name in cell.networks))
    found = [[_interval(cell.networks.get(name)) for name in networks] for cell in cells]
    known = [row for row in found if _is_known(row)]
    means = [average(column) for column in zip(*known, strict=True)]
    return means, len(found) - len(known)


def _is_known(networks: list[Interval]) -> bool:
    """Whether all have a value and, if there is one alone, its ends."""
    if len(networks) == 1:
        return bool(np.isfinite([networks[0].low, networks[0].high]).all())
    images = [one.images for one in networks if one.images is not None]
    return bool(np.isfinite([one.estimate for one in networks]).all() and np.isfinite(images).all())


def _over(networks: list[Interval]) -> Interval:
    return networks[0] if len(networks) == 1 else over_networks([networks])


def _interval(found: Evidence | None) -> Interval:
    if found is None:
        return UNKNOWN
    networks = 1 if found.scope.network else found.n if np.isfinite(found.freedom) else None
    ends = found.estimate, found.low, found.high
    return Interval(*ends, found.freedom, found.images, found.image_freedom, networks)
