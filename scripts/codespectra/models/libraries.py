"""Networks of torchvision, timm, transformers and open_clip by their names there, without weights.

Each library is imported where one of its networks is asked for: that takes seconds.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError, first_line, nearest

# Published weights of these want the channels rescaled inside.
INCEPTIONS = {"googlenet", "inception_v3"}


def torchvision(model: str, classes: int | None, published: str | None = None) -> nn.Module:
    """A classifier of torchvision.models, as its builder sets it up for `published` weights.

    Raises:
        UserError: torchvision has no classifier of that name.
    """
    from torchvision import models

    check_torchvision(model)
    options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if model in INCEPTIONS:
        options |= {"init_weights": False, "transform_input": published is not None}
    return models.get_model(model, weights=None, **options)


def torchvision_weights(model: str, tag: str) -> Any:
    """torchvision's published weights of a classifier, as its enumeration has them.

    Raises:
        UserError: there is no such classifier, or it has no weights of that tag.
    """
    from torchvision import models

    check_torchvision(model)
    known = models.get_model_weights(model).__members__
    if tag not in known:
        raise UserError(f"tag: torchvision has no {tag!r} of {model}; {nearest(tag, known)}")
    return known[tag]


def check_torchvision(model: str) -> None:
    """Refuse what is no classifier of torchvision.

    Raises:
        UserError: names the nearest.
    """
    from torchvision import models

    known = models.list_models(module=models)
    if model not in known:
        raise UserError(f"torchvision has no model {model!r}; {nearest(model, known)}")


def pytorch_cifar10(model: str, classes: int | None) -> nn.Module:
    """A ResNet of huyvnphan/PyTorch_CIFAR10: torchvision's with another first layer."""
    network = torchvision(model, classes or 10)
    network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    return network


def timm(model: str, classes: int | None) -> nn.Module:
    """A network of timm.

    Raises:
        UserError: timm has no network of that name.
    """
    import timm as library

    check_timm(model)
    options = {} if classes is None else {"num_classes": classes}
    return library.create_model(model, pretrained=False, **options)


def check_timm(model: str) -> None:
    """Refuse what is no network of timm.

    Raises:
        UserError: names the nearest.
    """
    import timm as library

    if not library.is_model(model):
        known = library.list_models()
        found = f"architecture.model: timm has no model {model!r}"
        raise UserError(f"{found}; {nearest(model.split('.')[0], known)}")


def open_clip(model: str, tower: str) -> nn.Module:
    """A tower of a two-tower network of open_clip.

    Raises:
        UserError: open_clip isn't installed, or has no network of that name.
    """
    try:
        import open_clip as library
    except ImportError as error:
        raise UserError(
            f"architecture: open_clip can't be imported ({first_line(error)}); pip install "
            "open_clip_torch, or take another architecture"
        ) from error
    known = library.list_models()
    if model not in known:
        raise UserError(f"open_clip has no model {model!r}; {nearest(model, known)}")
    return getattr(library.create_model(model, pretrained=None), tower)


def transformers(config: dict[str, Any]) -> nn.Module:
    """A vision network of transformers, or the vision tower of one with two, from its config.json.

    Raises:
        UserError: transformers has no such network, or it brings code of its own.
    """
    return vision_class(config).from_config(vision_config(config), dtype=torch.float32)


def pretrained_transformers(config: dict[str, Any], folder: str | Path) -> nn.Module:
    """The same network with the weights of its folder; a tower leaves those of the other unread.

    Raises:
        UserError: the folder is incomplete, or the weights don't fit.
    """
    from codespectra.models.pretrained_folders import load_pretrained

    known = vision_config(config)
    tower = known.model_type != config["model_type"]
    return load_pretrained(
        vision_class(config), folder, known, lambda unread: unread if tower else set()
    )


def vision_config(config: dict[str, Any]) -> Any:
    """transformers' config of a vision network, or of the vision tower of one with two.

    Raises:
        UserError: transformers has no such network, or it isn't run here.
    """
    from codespectra.models.transformers_config import known_config

    whole = known_config(config)
    return getattr(whole, "vision_config", whole)


def vision_class(config: dict[str, Any]) -> Any:
    """transformers' AutoModel that builds the network: with its head where the config names one."""
    from transformers import (
        MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
        AutoModel,
        AutoModelForImageClassification,
    )

    known = type(vision_config(config))
    headed = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING.get(known, None)
    kinds = headed if isinstance(headed, tuple | list) else [headed]
    named = config.get("architectures") or []
    if any(kind is not None and kind.__name__ in named for kind in kinds):
        return AutoModelForImageClassification
    return AutoModel
