"""What a network's own library does to images before the network sees them."""

from typing import Any

from codespectra.errors import UserError
from codespectra.models import libraries

# Steps of transformers' processors that we do too, or that change no RGB image of 8 bits.
KNOWN_STEPS = {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"}
FILTERS = {0: "nearest", 2: "bilinear", 3: "bicubic"}


def preprocessing_of(architecture: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """A config's `preprocessing` section, with what the network's library says for {from: model}.

    Args:
        architecture: as `identity.resolved` gives it.
        settings: the section: side, resize, interpolation, mean, std; or {source: model}.

    Raises:
        UserError: the library says nothing of such a network, or asks for a step that we lack.
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


def _torchvision(model: str, tag: str) -> dict[str, Any]:
    from torchvision import models

    libraries.check_torchvision(model)
    preset = models.get_model_weights(model)[tag].transforms()
    filters = preset.interpolation.value
    side, resize = preset.crop_size[0], preset.resize_size[0]
    return _settings(side, resize, filters, preset.mean, preset.std)


def _timm(model: str) -> dict[str, Any]:
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    libraries.check_timm(model)
    found = resolve_data_config(pretrained_cfg=get_pretrained_cfg(model).to_dict())
    if found["crop_mode"] not in ("center", "squash"):
        raise UserError(
            f"preprocessing: from model: crop_mode {found['crop_mode']!r} of {model} isn't center; "
            "give side, mean and std"
        )
    side = found["input_size"][-1]
    share = 1 if found["crop_mode"] == "squash" else found["crop_pct"]
    return _settings(side, int(side / share), found["interpolation"], found["mean"], found["std"])


def _transformers(processor: dict[str, Any], folder: str) -> dict[str, Any]:
    where = f"{folder}/preprocessor_config.json"
    steps = {key for key, on in processor.items() if key.startswith("do_") and on}
    if unknown := steps - KNOWN_STEPS:
        raise UserError(
            f"{where}: {', '.join(sorted(unknown))}: steps that aren't done here; give side, mean "
            "and std"
        )
    if "do_resize" not in steps or "do_rescale" not in steps:
        raise UserError(f"{where}: no do_resize or do_rescale; give side, mean and std")
    size = processor.get("size", {})
    size = {"shortest_edge": size} if isinstance(size, int) else size
    resize = size.get("shortest_edge", size.get("height"))
    crop = processor.get("crop_size", resize) if "do_center_crop" in steps else resize
    side = crop.get("height") if isinstance(crop, dict) else crop
    if (
        not isinstance(resize, int)
        or not isinstance(side, int)
        or size.get("width", resize) != resize
    ):
        raise UserError(f"{where}: size {size} isn't one of a square; give side, mean and std")
    scaled = "do_normalize" in steps
    return _settings(
        side,
        resize,
        FILTERS.get(processor.get("resample", 2), "unknown"),
        processor["image_mean"] if scaled else (0, 0, 0),
        processor["image_std"] if scaled else (1, 1, 1),
    )


def _open_clip(model: str) -> dict[str, Any]:
    found = libraries.open_clip(model, "visual").preprocess_cfg
    side = found["size"] if isinstance(found["size"], int) else found["size"][0]
    return _settings(side, side, found["interpolation"], found["mean"], found["std"])
