"""Files of the weights that timm and torchvision publish for their networks."""

from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.models import hub, libraries, torchvision_weights


def published_file(architecture: dict[str, Any]) -> Path:
    """The file of the weights that a library gives a network by default, cached or downloaded.

    Args:
        architecture: of timm, its name with a tag or without; or of torchvision.

    Raises:
        UserError: there is no such network, it has no published weights, or they can't be fetched.
    """
    model = architecture["model"]
    if architecture["name"] == "torchvision":
        weights = libraries.torchvision_weights(model, "DEFAULT")
        return torchvision_weights.weights_file(weights.url)
    from timm.models import get_pretrained_cfg

    libraries.check_timm(model)
    published = get_pretrained_cfg(model)
    if published is None or not published.hf_hub_id:
        raise UserError(f"timm publishes no weights of {model}; give a file of your own, or random")
    file = published.hf_hub_filename or "model.safetensors"
    return hub.file_of_hub(published.hf_hub_id, "main", file)[0]
