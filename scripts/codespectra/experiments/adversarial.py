"""Images moved within epsilon of each pixel to raise a network's loss: by one step, and by several.

`FGSM` takes one step along the sign of the input gradient (Goodfellow et al. 2015); `PGD` several
smaller ones, from the image itself and never further than epsilon from it (Madry et al. 2018; no
random start, so that it is the same every time). Pixels are those that the network sees, from 0 to
1, before normalisation, and stay in that range.

A classifier's loss is the cross-entropy of its labels; an autoencoder's, which has no labels, the
squared error of its reconstruction against the image that wasn't moved.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from codespectra.data.preprocessing import Preprocess
from codespectra.experiments.robustness_measures import LOSS_INCREASE, OUTPUT_CHANGE
from codespectra.jobs.progress import progress
from codespectra.models.layer_listing import logits_of
from codespectra.models.resnet_vae import ResNetVAE

FGSM, PGD = "FGSM", "PGD"
# Of PGD's steps together, in epsilons: enough to cross from one border to the other.
REACH = 2.5

# From pixels (N, 3, H, W), the loss (N,) of each image.
Losses = Callable[[torch.Tensor], torch.Tensor]
Attack = tuple[str, float]


@dataclass(frozen=True)
class Responses:
    """What a network makes of N images as they are, and of the same images attacked.

    `clean` and the values of `attacked` have an array (N,) a measure: loss; accuracy (1 or 0) and
    margin (the score of the right class less the highest of the others) of a classifier; of those
    attacked loss_increase and output_change, the squared distance from the network's output for the
    image as it is. `spread` (N,) is that of the outputs as they are from their mean.
    """

    clean: dict[str, NDArray[np.float64]]
    attacked: dict[Attack, dict[str, NDArray[np.float64]]]
    spread: NDArray[np.float64]


def attacks(
    losses: Losses, pixels: torch.Tensor, epsilons: Sequence[float], steps: int
) -> Iterator[tuple[Attack, torch.Tensor]]:
    """Each attack of each strength, with the images (N, 3, H, W) that it has moved.

    Args:
        losses: of pixels; gradients go through it.
        pixels: the images as they are, from 0 to 1.
        epsilons: how far a pixel may move.
        steps: of PGD.
    """
    first = _uphill(losses, pixels)
    for epsilon in epsilons:
        yield (FGSM, epsilon), (pixels + epsilon * first).clamp(0, 1)
        lowest, highest = (pixels - epsilon).clamp_min(0), (pixels + epsilon).clamp_max(1)
        moved, direction = pixels, first
        for step in range(steps):
            direction = direction if step == 0 else _uphill(losses, moved)
            moved = (moved + REACH * epsilon / steps * direction).clamp(lowest, highest)
        yield (PGD, epsilon), moved


def attack_images(
    network: nn.Module,
    preprocess: Preprocess,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    epsilons: Sequence[float],
    steps: int,
    batch: int,
) -> Responses:
    """Attack uint8 images (N, H, W, 3) with labels (N,), a batch at a time.

    The network is set to evaluation and its weights to no gradient.
    """
    network.eval().requires_grad_(False)
    clean, moved, outputs = [], {}, []
    for start in progress(range(0, len(images), batch), desc="attacks"):
        rows = slice(start, start + batch)
        one = _Batch(network, preprocess, preprocess.pixels(images[rows]), labels[rows])
        clean.append(one.measures(one.pixels))
        outputs.append(one.output.cpu().numpy())
        for attack, pixels in attacks(one.losses, one.pixels, epsilons, steps):
            moved.setdefault(attack, []).append(one.measures(pixels, clean[-1]["loss"]))
    together = np.concatenate(outputs)
    spread = np.square(together - together.mean(axis=0)).sum(axis=1)
    return Responses(_joined(clean), {key: _joined(own) for key, own in moved.items()}, spread)


class _Batch:
    """A batch of images, with what a network should make of them and what it does."""

    def __init__(
        self, network: nn.Module, preprocess: Preprocess, pixels: torch.Tensor, labels: np.ndarray
    ) -> None:
        self._network, self._normalise, self.pixels = network, preprocess.normalise, pixels
        self._labels = None
        if not isinstance(network, ResNetVAE):
            self._labels = torch.as_tensor(labels, dtype=torch.long, device=pixels.device)
        with torch.no_grad():
            self.output = self._outputs(pixels).flatten(1).double()

    def losses(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._losses(self._outputs(pixels))

    @torch.no_grad()
    def measures(
        self, pixels: torch.Tensor, before: NDArray[np.float64] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """Of `Responses`; `before` is the loss of the images as they are, of attacked ones."""
        outputs = self._outputs(pixels)
        found = {"loss": self._losses(outputs)}
        if self._labels is not None:
            found["margin"] = _margins(outputs, self._labels)
            found["accuracy"] = outputs.argmax(1) == self._labels
        if before is not None:
            change = outputs.flatten(1).double() - self.output
            found[OUTPUT_CHANGE] = change.square().sum(dim=1)
        values = {name: value.double().cpu().numpy() for name, value in found.items()}
        return values if before is None else values | {LOSS_INCREASE: values["loss"] - before}

    def _outputs(self, pixels: torch.Tensor) -> torch.Tensor:
        outputs = self._network(self._normalise(pixels))
        return outputs if self._labels is None else logits_of(outputs)

    def _losses(self, outputs: torch.Tensor) -> torch.Tensor:
        if self._labels is None:
            return (outputs - self.pixels).square().flatten(1).sum(dim=1)
        return functional.cross_entropy(outputs, self._labels, reduction="none")


def _uphill(losses: Losses, pixels: torch.Tensor) -> torch.Tensor:
    """Signs of the loss' gradient; each image's loss follows from that image alone."""
    pixels = pixels.detach().requires_grad_()
    return torch.autograd.grad(losses(pixels).sum(), pixels)[0].sign()


def _margins(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    right = scores.gather(1, labels[:, None])
    others = scores.scatter(1, labels[:, None], -torch.inf)
    return right[:, 0] - others.amax(dim=1)


def _joined(batches: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([one[name] for one in batches]) for name in batches[0]}
