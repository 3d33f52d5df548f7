"""How much a unit is active together with the others, after and before its ReLU (B app. B)."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.directions.directions import neurons
from codespectra.jobs.progress import progress
from codespectra.models.hooks import Wanted, run_to_layers

Layer = dict[str, Any]


def coactivation(activations: np.ndarray) -> np.ndarray:
    """Correlation of each unit with the mean of all others over the stimuli (N, D): (D,).

    With s the sum of all units, var(s - a) = var(s) - 2 cov(s, a) + var(a), and so on: no mean of
    others is formed. Missing for a dead unit, which doesn't move the others' mean either; at least
    two units have to be live.
    """
    centred = activations - activations.mean(axis=0, dtype=np.float64)
    total = centred.sum(axis=1)
    own, shared = np.einsum("nd,nd->d", centred, centred), total @ centred
    others = total @ total - 2 * shared + own
    live, found = ~neurons(activations).dead, np.full(len(own), np.nan)
    found[live] = ((shared - own)[live]) / np.sqrt((own * others)[live])
    return found


def relu_of(layer: Layer, available: list[Layer]) -> Layer | None:
    """The ReLU that a layer's output may come from: the last call up to it of the same shape.

    Args:
        layer: one of `available`, or what goes into one.
        available: all layers, as `architectures.describe_layers` lists them, in running order.
    """
    before = reversed([one for one in available if one["depth"] <= layer["depth"]])
    return next(
        (one for one in before if one["type"] == "ReLU" and one["shape"] == layer["shape"]), None
    )


def before_relu(
    network: nn.Module,
    preprocess: Preprocess,
    images: h5py.Dataset,
    relus: dict[str, tuple[Layer, Layer]],
    reduction: str,
    *,
    batch: int,
) -> dict[str, np.ndarray]:
    """Units of each layer before their ReLU, reduced as in the capture: (N, D) by layer name.

    A layer that isn't its ReLU's output, number for number, is left out.

    Args:
        network: in evaluation mode.
        preprocess: of that network.
        images: (N, H, W, 3) uint8.
        relus: by layer name, the layer and its `relu_of`.
        reduction: of `models.reductions`.
        batch: images a pass.
    """
    if not relus:
        return {}
    found: dict[str, list[np.ndarray]] = {name: [] for name in relus}

    def keep(item: Wanted, output: torch.Tensor) -> None:
        name = item.layer["name"]
        given = held[relus[name][1]["name"]]
        if torch.equal(item.reduce(given.relu()), output):
            found[name].append(Wanted(item.layer, reduction).reduce(given).cpu().numpy())

    wanted = [Wanted(layer, "none") for layer, _ in relus.values()]
    calls = [relu for _, relu in relus.values()]
    with _keeping_inputs(network, calls) as held, torch.inference_mode():
        for start in progress(range(0, len(images), batch), desc="before ReLU"):
            run_to_layers(network, preprocess(images[start : start + batch]), wanted, keep)
    whole = {name: parts for name, parts in found.items() if sum(map(len, parts)) == len(images)}
    return {name: np.concatenate(parts) for name, parts in whole.items()}


@contextmanager
def _keeping_inputs(network: nn.Module, wanted: list[Layer]) -> Iterator[dict[str, torch.Tensor]]:
    """While open, each forward pass leaves copies of the wanted layers' inputs, by layer name.

    Copies, since a ReLU may work in place; of one call, since its module may run several times.
    """
    held: dict[str, torch.Tensor] = {}
    names = {(layer["module"], layer["call"]): layer["name"] for layer in wanted}
    calls: Counter[str] = Counter()

    def hook(module_name: str) -> Callable[[nn.Module, Any], None]:
        def keep(module: nn.Module, inputs: Any) -> None:
            name = names.get((module_name, calls[module_name]))
            calls[module_name] += 1
            if name is not None:
                held[name] = inputs[0].clone()

        return keep

    modules = dict(network.named_modules())
    handles = [
        modules[name].register_forward_pre_hook(hook(name)) for name in {name for name, _ in names}
    ]
    handles.append(network.register_forward_pre_hook(lambda *_: calls.clear()))
    try:
        yield held
    finally:
        for handle in handles:
            handle.remove()
