"""Which share of a capture's stimuli each of several jobs takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """Shard `number`, counted from 1, of `of` shards."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}-of-{self.of}"

    def share(self, count: int, grain: int) -> range:
        """Indices of the shard's stimuli out of `count`.

        Shards follow each other, and begin at multiples of `grain`; with more shards than grains
        some are empty.
        """
        grains = -(-count // grain)
        first, last = ((grains * k // self.of) * grain for k in (self.number - 1, self.number))
        return range(min(first, count), min(last, count))


WHOLE = Shard(1, 1)
