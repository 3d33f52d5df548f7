"""config.json of a network of transformers: which network it is, if it is one that runs here."""

from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig

from codespectra.errors import UserError
from codespectra.files.regular_files import refusing
from codespectra.models.model_folders import CONFIG

# Keys that lead elsewhere.
REFUSED_KEYS = {
    "auto_map": "it would run code of the model's folder, which is refused; take a model that "
    "transformers has itself",
    "quantization_config": "its weights are quantised, and aren't what is analysed; take the "
    "model that was quantised",
    "transformers_weights": "it names other weights than model.safetensors, or its index, which "
    "are all that is read; take the key out and give the weights that name",
}
# Others need packages of their own, or fetch them.
ATTENTION = (None, "eager", "sdpa")


def known_config(config: dict[str, Any], source: str | Path = CONFIG) -> PreTrainedConfig:
    """What transformers makes of the content of a config.json.

    Raises:
        UserError: transformers has no such network, or it asks for code, weights or packages that
            aren't read here; begins with `source`.
    """
    kind = config.get("model_type")
    for key, why in REFUSED_KEYS.items():
        if config.get(key) is not None:
            raise UserError(f"{source} of model_type {kind!r} has {key}: {why}")
    for key, value in config.items():
        if "attn_implementation" in key and value not in ATTENTION:
            raise UserError(
                f"{source} of model_type {kind!r} asks for {key} {value!r}, which isn't run "
                "here; take the key out: every implementation computes the same"
            )
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise UserError(f"{source}: transformers has no model_type {kind!r}; take another model")
    with refusing(source, f"no {kind} of transformers", "correct its values"):
        return CONFIG_MAPPING[kind].from_dict(config)
