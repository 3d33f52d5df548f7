"""BatchNorm statistics recomputed with dropout off: the control that paper A's figure 6 lacks.

Dropout scales what it keeps by 1 / (1 - p), which leaves the mean of a unit alone and raises its
variance; the running variances of a network trained with it are inflated, and in evaluation mode,
without dropout, activations shrink from layer to layer (Li et al. 2019, variance shift).
"""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from codespectra.data.preprocessing import Preprocess


@torch.no_grad()
def recalibrate(
    network: nn.Module, preprocess: Preprocess, images: torch.Tensor, batch: int = 250
) -> None:
    """Replace the running statistics, in place, by averages over batches, dropout off.

    Each batch counts equally, so that a last one of another size is left out unless it is alone.

    Args:
        network: left in evaluation mode.
        preprocess: of that network.
        images: uint8 (N, H, W, 3), those that the network was trained on.
        batch: images a forward pass.
    """
    network.to(memory_format=torch.channels_last).eval()
    normalisers = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [module.momentum for module in normalisers]
    for module in normalisers:
        module.reset_running_stats()
        module.momentum = None  # the plain average over batches
        module.train()
    for part in images[: max(1, len(images) // batch) * batch].split(batch):
        network(preprocess(part))
    for module, momentum in zip(normalisers, momenta, strict=True):
        module.momentum = momentum
        module.eval()
