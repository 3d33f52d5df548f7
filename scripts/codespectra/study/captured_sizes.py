"""What captures will take on a disk, as far as a plan tells."""

from collections.abc import Sequence
from typing import Any

from codespectra.files.full_disk import in_bytes
from codespectra.models.reductions import reduced_width
from codespectra.study.implied import most_stimuli
from codespectra.study.plan import Plan

BYTES = {"float32": 4, "float16": 2}
# Kinds of analyses, whose layers are captured.
KINDS = ("spectra", "projections", "directions")


def captured_bytes(plan: Plan, cfg: dict[str, Any], counted: int | None = None) -> int | None:
    """Bytes of the activations of a capture, at most; None if there is no telling.

    Args:
        plan: of the study.
        cfg: `params.cfg` of the capture: dtype, model, and stimuli, noisy, wanted (layers and
            reductions); or of text sequences, length and parts; of a shard also shards.
        counted: stimuli of the set, where that is known; else as many as the config allows.
    """
    numbers = _of_text(plan, cfg) if "parts" in cfg else _of_images(plan, cfg, counted)
    return None if numbers is None else numbers * BYTES[cfg["dtype"]] // cfg.get("shards", 1)


def _of_images(plan: Plan, cfg: dict[str, Any], counted: int | None) -> int | None:
    run = cfg["model"], cfg["stimuli"]
    recorded = plan.recorded.get(run[0])
    rows = recorded.stimuli if recorded else counted or most_stimuli(plan.study.stimuli[run[1]])
    if rows is None:
        return None
    found = {x["name"]: x for kind in KINDS for x in plan.selected.get((kind, *run), ())}
    width = sum(reduced_width(found[x["layer"]], x["reduction"]) for x in cfg["wanted"])
    return width * rows * (2 if cfg["noisy"] else 1)


def _of_text(plan: Plan, cfg: dict[str, Any]) -> int | None:
    widths = plan.token_widths.get(cfg["model"])
    if widths is None:
        return None
    return cfg["sequences"] * cfg["length"] * sum(widths[part] for part in cfg["parts"])


def disk_words(sizes: Sequence[int | None], replaced: int, free: int) -> str:
    """What captures take, in words.

    Args:
        sizes: `captured_bytes` of each.
        replaced: bytes of the files that they take the place of.
        free: bytes of the disk.
    """
    untold = sizes.count(None)
    captures = f"{untold} capture{'s' * (untold > 1)}"
    return (
        f"disk: {in_bytes(sum(filter(None, sizes)))} of activations at most"
        + (f", {in_bytes(replaced)} in place of older ones" if replaced else "")
        + (f", and those of {captures} of unknown size" if untold else "")
        + f"; {in_bytes(free)} are free"
    )
