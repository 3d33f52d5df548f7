"""What a network's own library does to images before the network sees them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.files.regular_files import refusing
from codespectra.models import libraries

FILTERS = {0: "nearest", 2: "bilinear", 3: "bicubic"}
MOST = 4096  # pixels of a side


def preprocessing_of(architecture: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """A config's `preprocessing` section, with what the network's library says for {from: model}.

    Args:
        architecture: as `identity.resolved` gives it.
        settings: the section: side, resize, interpolation, mean, std; or {source: model}.

    Raises:
        UserError: the library says nothing of such a network, or does what we don't.
    """
    if "source" not in settings:
        return settings
    match architecture["name"]:
        case "torchvision":
            return _torchvision(architecture["model"], architecture.get("published", "DEFAULT"))
        case "timm":
            return _timm(architecture["model"])
        case "transformers" if "preprocessor" in architecture:
            return _transformers(architecture["preprocessor"], architecture["path"])
        case "open_clip":
            return _open_clip(architecture["model"])
    raise UserError(
        f"preprocessing: from model: {architecture['name']} brings no preprocessing of its own; "
        "give side, mean and std"
    )


def _settings(side: int, resize: int, interpolation: str, mean: Any, std: Any) -> dict[str, Any]:
    if not 0 < side <= resize <= MOST:
        raise UserError(
            f"preprocessing: from model: a crop of {side} pixels out of {resize}, expected at most "
            f"as many, and {MOST}; give side, mean and std"
        )
    if interpolation not in FILTERS.values():
        raise UserError(
            f"preprocessing: from model: interpolation {interpolation!r} isn't one of "
            f"{', '.join(FILTERS.values())}; give side, mean and std"
        )
    return {
        "side": int(side),
        "resize": int(resize),
        "interpolation": interpolation,
        "mean": [float(x) for x in mean],
        "std": [float(x) for x in std],
    }


def _square(model: str, sides: Sequence[int]) -> int:
    if len({*sides}) > 1:
        raise UserError(
            f"preprocessing: from model: {model} sees images of {' x '.join(map(str, sides))} "
            "pixels, and those of a set are square; give side, mean and std"
        )
    return sides[0]


def _torchvision(model: str, tag: str) -> dict[str, Any]:
    preset = libraries.torchvision_weights(model, tag).transforms()
    filters = preset.interpolation.value
    side, resize = preset.crop_size[0], preset.resize_size[0]
    return _settings(side, resize, filters, preset.mean, preset.std)


def _timm(model: str) -> dict[str, Any]:
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    libraries.check_timm(model)
    found = resolve_data_config(pretrained_cfg=get_pretrained_cfg(model).to_dict())
    if found["crop_mode"] not in ("center", "squash"):  # which are one for square images
        raise UserError(
            f"preprocessing: from model: crop_mode {found['crop_mode']!r} of {model} isn't center; "
            "give side, mean and std"
        )
    side = _square(model, found["input_size"][1:])
    resize = int(side / found["crop_pct"])
    return _settings(side, resize, found["interpolation"], found["mean"], found["std"])


def _transformers(processor: dict[str, Any], folder: str) -> dict[str, Any]:
    """What a processor says of itself, if that gives the pixels that transformers makes by it."""
    where, give = f"{folder}/preprocessor_config.json", "give side, resize, mean and std"
    with refusing(where, "no processor of images of transformers", give):
        settings = _said(processor)
        kind = _processor_class(processor["image_processor_type"])
        expected = kind(**processor)(list(_probe()), return_tensors="np")["pixel_values"]
    ours = Preprocess(settings, torch.device("cpu"))(_probe()).numpy()
    # Some round to 8 bits between two steps, where others don't.
    most = 3 / 255 / min(settings["std"])
    if ours.shape != expected.shape or np.abs(ours - expected).max() > most:
        raise UserError(
            f"{where}: {processor['image_processor_type']} does more than to resize, crop, scale "
            f"and normalise, or in another way; {give}"
        )
    return settings


def _said(processor: dict[str, Any]) -> dict[str, Any]:
    size = processor["size"]
    resize = size.get("shortest_edge", size.get("height")) if isinstance(size, dict) else size
    crop = processor.get("crop_size") if processor.get("do_center_crop") else resize
    side = crop["height"] if isinstance(crop, dict) else crop
    scaled = processor.get("do_normalize", True)
    return _settings(
        side,
        resize,
        FILTERS.get(processor.get("resample", 2), "unknown"),
        processor["image_mean"] if scaled else (0, 0, 0),
        processor["image_std"] if scaled else (1, 1, 1),
    )


def _processor_class(name: str) -> Any:
    """The class that works with Pillow, where there is one."""
    import transformers

    name = name.removesuffix("Fast")
    return getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)


def _probe() -> np.ndarray:
    """A smooth square image (1, 300, 300, 3), no part of which is like another."""
    down, across = np.mgrid[:300, :300] / 300
    waves = [np.sin(9 * down + 7 * across**2), np.cos(11 * across), np.sin(8 * down * across)]
    return (127 + 90 * np.stack(waves, axis=-1)).astype(np.uint8)[None]


def _open_clip(model: str) -> dict[str, Any]:
    found = libraries.open_clip(model, "visual").preprocess_cfg
    sides = (found["size"],) if isinstance(found["size"], int) else found["size"]
    side = _square(model, sides)
    return _settings(side, side, found["interpolation"], found["mean"], found["std"])
