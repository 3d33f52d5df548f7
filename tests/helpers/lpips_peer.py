"""The package lpips with a random trunk, and this project's backbone of the same weights."""

import warnings

import lpips
import torch


def random_lpips() -> lpips.LPIPS:
    """The package's AlexNet: a random trunk under the heads that it ships."""
    torch.manual_seed(0)
    with warnings.catch_warnings(action="ignore"):
        return lpips.LPIPS(net="alex", pnet_rand=True, pretrained=True, verbose=False)


def trunk_state(peer: lpips.LPIPS) -> dict[str, torch.Tensor]:
    """The package's `slice2.3.weight` under torchvision's name, `features.3.weight`."""
    weights = peer.net.state_dict().items()
    return {f"features.{name.partition('.')[2]}": value for name, value in weights}
