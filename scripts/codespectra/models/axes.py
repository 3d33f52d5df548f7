"""What each axis of a layer's output is, followed from the images through a forward pass.

A shape alone can't tell: convolutions put channels first, linear layers and LayerNorm last, and the
first tokens of a transformer are no patches. Each function of torch that runs says what becomes of
the axes that it was given; what none can say stays unknown.
"""

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from operator import mul
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

UNKNOWN = "?"
# By their names in torch: what works on (N, C, H, W) alone, …
ON_MAPS = {
    *("conv2d", "conv_transpose2d", "batch_norm", "group_norm", "instance_norm"),
    *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "lp_pool2d"),
    *("interpolate", "pixel_shuffle", "pixel_unshuffle", "local_response_norm"),
}
# … on the last axis, …
ON_LAST = {"linear", "layer_norm", "rms_norm", "embedding"}
# … what puts axes into another order or takes them out, …
ON_ORDER = {
    *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "select"),
    *("mean", "sum", "max", "min", "amax", "amin", "logsumexp", "norm", "var", "std", "unbind"),
}
# … what joins and parts them, …
RESHAPED = {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as"}
# … what cuts them into pieces, what changes their sizes otherwise, and what isn't followed.
ON_PIECES = {"chunk", "split", "tensor_split"}
ON_SIZE = {"pad", "narrow", "expand", "repeat"}
NOT_FOLLOWED = {"einsum", "unfold", "fold", "gather", "index_select", "bmm", "__get__"}
# Sizes that tell the axes of a probe apart.
PRIMES = (11, 13, 17, 19, 23, 29, 31, 37)


@dataclass(frozen=True)
class Axes:
    """A letter an axis: stimuli N, channels C, height H, width W, tokens T, unknown `?`.

    `prefix` counts the tokens before the first patch, such as a class token; None when that isn't
    known.
    """

    letters: str
    prefix: int | None = None


class FollowAxes(TorchFunctionMode):
    """While open, what follows from a tensor with known axes has axes; see `axes_of`."""

    def __init__(self, batch: int):
        """Follow a pass over so many stimuli; a prime tells them from other sizes best."""
        super().__init__()
        self.batch = batch

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run a function of torch, then say what the axes of its outputs are."""
        options = kwargs or {}
        output = function(*args, **options)
        given = [x for item in (*args, *options.values()) for x in _tensors(item)]
        # What doesn't follow from the images, such as a table of biases, has no stimuli.
        pieces = _tensors(output) if any(hasattr(x, "_axes") for x in given) else []
        for place, tensor in enumerate(pieces):
            try:
                axes = _follow(function, given, args, options, tensor)
                if axes is not None and function.__name__ in ON_PIECES:
                    axes = _cut(axes, given[0], pieces[:place], tensor)
            except Exception:  # A pass mustn't fail for what is asked of it beside.
                axes = None
            if axes is None or len(axes.letters) != tensor.dim():
                axes = Axes(UNKNOWN * tensor.dim())
            mark(tensor, self._with_stimuli(axes, tensor))
        return output

    def _with_stimuli(self, axes: Axes, output: torch.Tensor) -> Axes:
        """The first axis is that of the stimuli if no other is, and only as long as they are."""
        letters = "".join(
            UNKNOWN if letter == "N" and size != self.batch else letter
            for letter, size in zip(axes.letters, output.shape, strict=True)
        )
        if letters[:1] == UNKNOWN and "N" not in letters and len(output) == self.batch:
            letters = "N" + letters[1:]
        return replace(axes, letters=letters)


def mark(tensor: torch.Tensor, axes: Axes) -> torch.Tensor:
    """The same tensor, whose axes are known from now on."""
    tensor._axes = axes
    return tensor


def axes_of(tensor: torch.Tensor) -> Axes:
    """What is known of a tensor's axes.

    Channels are the one axis that isn't known beside those of stimuli and of all places.
    """
    axes = getattr(tensor, "_axes", Axes(UNKNOWN * tensor.dim()))
    if sorted(axes.letters) in (sorted("NHW?"), sorted("NT?"), sorted("N?")):
        return replace(axes, letters=axes.letters.replace(UNKNOWN, "C"))
    return axes


def _tensors(item: Any) -> list[torch.Tensor]:
    found = item if isinstance(item, tuple | list) else [item]
    return [x for x in found if isinstance(x, torch.Tensor)]


def _follow(
    function: Any,
    given: list[torch.Tensor],
    args: tuple[Any, ...],
    options: dict[str, Any],
    output: torch.Tensor,
) -> Axes | None:
    """Axes of an output of a function of the tensors `given`, None where nothing is known."""
    name, first, axes = function.__name__, given[0], axes_of(given[0])
    if name in ON_MAPS and output.dim() == 4:
        return Axes("NCHW")
    if name in ON_LAST:
        return _projected(axes, output.dim())
    if name in ON_ORDER and len(given) == 1:
        probe = torch.empty(PRIMES[: first.dim()], device="meta")
        sizes = _tensors(function(probe, *args[1:], **options))[0].shape
        letters = dict(zip(PRIMES, axes.letters, strict=False))
        return replace(axes, letters="".join(letters.get(size, UNKNOWN) for size in sizes))
    if name in ON_PIECES:
        return axes
    if name in ON_SIZE:
        changed = first.dim() == output.dim() and _tokens(axes, first) != _tokens(axes, output)
        return Axes(axes.letters, None if changed else axes.prefix)
    if name == "__getitem__":
        return _indexed(axes, first, args[1])
    if name in ("cat", "concat", "concatenate"):
        # Caches of keys begin with an empty vector.
        parts = [tensor for tensor in given if tensor.dim() == output.dim()]
        return _joined(parts, options.get("dim", args[1] if len(args) > 1 else 0))
    if name in ("matmul", "__matmul__", "scaled_dot_product_attention"):
        return replace(axes, letters=axes.letters[:-1] + UNKNOWN)
    if name in RESHAPED:
        return _reshaped(axes, first.shape, output.shape)
    if name in NOT_FOLLOWED or name.removesuffix("_") in ON_ORDER | RESHAPED:
        return None
    alike = [axes_of(tensor) for tensor in given if tensor.shape == output.shape]
    return _agreed(alike) if alike else None


def _tokens(axes: Axes, tensor: torch.Tensor) -> int | None:
    """How many tokens there are."""
    return tensor.shape[axes.letters.index("T")] if "T" in axes.letters else None


def _cut(axes: Axes, whole: torch.Tensor, earlier: list[torch.Tensor], piece: torch.Tensor) -> Axes:
    """Axes of a piece: if it has fewer tokens than the whole, those before it are gone."""
    count = _tokens(axes, piece)
    if axes.prefix is None or count == _tokens(axes, whole):
        return axes
    gone = sum(_tokens(axes, one) for one in earlier)
    return replace(axes, prefix=min(max(axes.prefix - gone, 0), count))


def _projected(axes: Axes, dim: int) -> Axes:
    """The last axis becomes channels, unless another has them: then tokens are mixed."""
    before = axes.letters[: dim - 1]
    return replace(axes, letters=before + (UNKNOWN if "C" in before else "C"))


def _agreed(several: list[Axes]) -> Axes:
    """What tensors of one shape say together; an axis that two call by other names is unknown."""
    letters = ""
    for column in zip(*(axes.letters for axes in several), strict=True):
        names = {*column} - {UNKNOWN}
        letters += names.pop() if len(names) == 1 else UNKNOWN
    prefixes = {axes.prefix for axes in several if "T" in axes.letters}
    return Axes(letters, prefixes.pop() if len(prefixes) == 1 else None)


def _indexed(axes: Axes, tensor: torch.Tensor, index: Any) -> Axes | None:
    """Axes left by numbers, slices and Nones; the first tokens may be cut off."""
    keys = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        left = tensor.dim() - sum(key is not None for key in keys) + 1
        keys[at : at + 1] = [slice(None)] * left
    letters, prefix, place = "", axes.prefix, 0
    for key in keys:
        if key is None:
            letters += UNKNOWN
            continue
        if isinstance(key, slice):
            letter, size = axes.letters[place], tensor.shape[place]
            start, stop, step = key.indices(size)
            letters += letter
            if letter == "T" and prefix is not None and (start, stop, step) != (0, size, 1):
                prefix = min(max(prefix - start, 0), stop - start) if step == 1 else None
        elif not isinstance(key, int):
            return None
        place += 1
    return Axes(letters + axes.letters[place:], prefix)


def _joined(given: list[torch.Tensor], dim: int) -> Axes:
    """Tokens put before the patches lengthen their prefix; what follows them makes it unknown."""
    several = [axes_of(tensor) for tensor in given]
    axes = _agreed(several)
    if axes.letters[dim] != "T":
        return axes
    before, prefix = 0, None
    for tensor, own in zip(given, several, strict=True):
        size = tensor.shape[dim]
        patches = own.letters[dim] == "T" and own.prefix is not None and own.prefix < size
        if prefix is not None:  # more comes after the patches
            return replace(axes, prefix=None)
        if patches:
            prefix = before + own.prefix
        before += size
    return replace(axes, prefix=prefix)


def _reshaped(axes: Axes, old: torch.Size, new: torch.Size) -> Axes:
    """Axes that are kept whole keep their letters; height and width in one are tokens, and back.

    Axes of size 1 come and go.
    """
    before = [at for at, size in enumerate(old) if size > 1]
    after = [at for at, size in enumerate(new) if size > 1]
    ends = [
        list(accumulate((shape[at] for at in long), mul))
        for shape, long in ((old, before), (new, after))
    ]
    common = sorted({*ends[0]} & {*ends[1]})
    letters, prefix = [UNKNOWN] * len(new), axes.prefix
    for low, high in pairwise([0, *common]):
        source = "".join(
            axes.letters[at] for at, end in zip(before, ends[0], strict=True) if low < end <= high
        )
        target = [at for at, end in zip(after, ends[1], strict=True) if low < end <= high]
        if source == "HW" and len(target) == 1:
            source, prefix = "T", 0
        elif source == "T" and len(target) == 2 and prefix == 0:
            source = "HW"
        if source in ("H", "W"):  # cut into windows, whose places come first
            target = target[:1]
        if len(source) == len(target):
            for at, letter in zip(target, source, strict=True):
                letters[at] = letter
    return Axes("".join(letters), prefix)
